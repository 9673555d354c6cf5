"""CPU of a Redfish login and of a warm reading over TLS: our source beside plain httpx.

Run it by `python -m tests.bench.bench_redfish`. CPU is the client's process alone, user and system,
under uvloop; our simulator is the peer, in a process of its own. httpx has one client for each
host, as it must, and does the least that gives a number: one GET, its JSON, one look into it.
"""

import asyncio
import multiprocessing
import ssl
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvloop

from rackwatt_exporter.settings.secrets import Secrets
from rackwatt_exporter.simulator.certificate import self_made
from rackwatt_exporter.simulator.machine import Machine
from rackwatt_exporter.simulator.redfish import RedfishServer
from rackwatt_exporter.targets.redfish import RedfishDriver
from tests.exporter.targets.redfish_fleet import target_at, write_secrets

BMCS = 200
IN_FLIGHT = 50
SWEEPS = 50
HTTPX_SWEEPS = 10
BUDGET_MS = 0.2
PORT = 19443
READY_DEADLINE_S = 10.0
ENVIRONMENT = "/redfish/v1/Chassis/1/EnvironmentMetrics"
SESSIONS = "/redfish/v1/SessionService/Sessions"
LOGIN = Machine("", "").login
ADDRESSES = [f"127.87.0.{number}" for number in range(1, BMCS + 1)]
# Watts that move within the milliseconds between two readings, as a busy machine's do in seconds;
# and watts that never do, of which each reading asks whether the machine is on.
MOVING, STILL = 1e9, 0.0

Read = Callable[[], Awaitable[object]]


async def ours(directory: Path) -> tuple[float, float]:
    """Measure our login with all that finds the watts, and a warm reading."""
    driver = RedfishDriver(Secrets(directory / "secrets"))
    sources = [driver.source(target_at(address, PORT)) for address in ADDRESSES]
    figures = await cpu_ms([source.read for source in sources], SWEEPS)
    await asyncio.gather(*(source.close() for source in sources))
    await driver.close()
    return figures


async def httpxs(directory: Path) -> tuple[float, float]:
    """Measure the same of httpx."""
    context = ssl.create_default_context(cafile=directory / "ca.crt")
    clients = [
        httpx.AsyncClient(base_url=f"https://{address}:{PORT}", verify=context)
        for address in ADDRESSES
    ]
    figures = await cpu_ms([HttpxReading(client) for client in clients], HTTPX_SWEEPS)
    await asyncio.gather(*(client.aclose() for client in clients))
    return figures


class HttpxReading:
    """What anyone would write first."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._token: dict[str, str] = {}

    async def __call__(self) -> object:
        if not self._token:
            words = {"UserName": LOGIN.username, "Password": LOGIN.password}
            answer = await self._client.post(SESSIONS, json=words)
            self._token = {"X-Auth-Token": answer.headers["X-Auth-Token"]}
        answer = await self._client.get(ENVIRONMENT, headers=self._token)
        return answer.json()["PowerWatts"]["Reading"]


async def cpu_ms(reads: list[Read], sweeps: int) -> tuple[float, float]:
    """Measure a first and a warm reading, in milliseconds of CPU."""
    started_s = time.process_time()
    await _sweep(reads)
    first_s = time.process_time() - started_s
    started_s = time.process_time()
    for _ in range(sweeps):
        await _sweep(reads)
    warm_s = time.process_time() - started_s
    return first_s / len(reads) * 1e3, warm_s / len(reads) / sweeps * 1e3


async def _sweep(reads: list[Read]) -> None:
    for start in range(0, len(reads), IN_FLIGHT):
        await asyncio.gather(*(read() for read in reads[start : start + IN_FLIGHT]))


@contextmanager
def simulated(directory: Path, peak_watts: float) -> Iterator[None]:
    """Run our simulator in another process."""
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    process = spawn.Process(target=_serve, args=(directory, peak_watts, ready))
    process.start()
    try:
        ready.wait(READY_DEADLINE_S)
        yield
    finally:
        process.terminate()
        process.join()


def _serve(directory: Path, peak_watts: float, ready: Any) -> None:
    async def serve() -> None:
        machines = {
            address: Machine(address, address, idle_watts=300, peak_watts=300 + peak_watts)
            for address in ADDRESSES
        }
        files = directory / "server.pem", directory / "server.key"
        await RedfishServer(machines, PORT, *files).start()
        ready.set()
        await asyncio.Event().wait()

    uvloop.run(serve())


def main() -> None:
    """Print the table."""
    print(f"{BMCS} simulated BMCs, {IN_FLIGHT} in flight; budget {BUDGET_MS} ms for a warm reading")
    print(f"{'client':<10}{'watts':<10}{'first, ms':>12}{'warm, ms':>12}")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        made = self_made([*ADDRESSES])
        for file, pem in zip(("ca.crt", "server.pem", "server.key"), made, strict=True):
            (directory / file).write_bytes(pem)
        secrets = write_secrets(directory, directory / "ca.crt")
        (secrets / "bmc/username").write_text(LOGIN.username)
        (secrets / "bmc/password").write_text(LOGIN.password)
        with simulated(directory, STILL):
            _print("rackwatt", "still", *uvloop.run(ours(directory)))
        with simulated(directory, MOVING):
            our = uvloop.run(ours(directory))
            _print("rackwatt", "moving", *our)
            their = uvloop.run(httpxs(directory))
            _print("httpx", "moving", *their)
    print(f"httpx takes {their[1] / our[1]:.1f} times as much for a warm reading")


def _print(client: str, watts: str, first: float, warm: float) -> None:
    print(f"{client:<10}{watts:<10}{first:>12.3f}{warm:>12.3f}", flush=True)


if __name__ == "__main__":
    main()
