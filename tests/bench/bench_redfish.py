"""CPU of a Redfish login and of a warm reading over TLS: our source beside plain httpx.

CPU is the client's process alone, user and system, under uvloop; our simulator is the peer, in a
process of its own. httpx has one client for each host, as it must, and does the least that gives a
number: one GET, its JSON, one look into it.
"""

import argparse
import asyncio
import multiprocessing
import ssl
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import uvloop

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.simulator.certificate import generate
from rackwatt_exporter.simulator.machine import SimulatedMachine
from rackwatt_exporter.simulator.redfish.service import RedfishServer
from rackwatt_exporter.targets.redfish.source import RedfishDriver
from tests.bench.process import waited_share
from tests.bench.readings import OURS, ReadingCost, readings
from tests.bench.report import progress
from tests.exporter.targets.redfish.fleet import target_at, write_secrets
from tests.peers.ports import free_port

IN_FLIGHT = 50
BUDGET_MS = 0.2
READY_DEADLINE_S = 60.0
ENVIRONMENT = "/redfish/v1/Chassis/1/EnvironmentMetrics"
SESSIONS = "/redfish/v1/SessionService/Sessions"
LOGIN = SimulatedMachine("", "").login
# Watts that move within the milliseconds between two readings, as a busy machine's do in seconds;
# and watts that never do, of which each reading asks whether the machine is on.
MOVING, STILL = 1e9, 0.0

Read = Callable[[], Awaitable[object]]


class Ends(NamedTuple):
    """Where the services are."""

    addresses: list[str]
    port: int


async def ours(directory: Path, ends: Ends, sweeps: int) -> tuple[float, float]:
    """Measure our login with all that finds the watts, and a warm reading."""
    driver = RedfishDriver(Secrets(directory / "secrets"))
    sources = [driver.source(target_at(address, ends.port)) for address in ends.addresses]
    figures = await cpu_ms([source.read for source in sources], sweeps)
    await asyncio.gather(*(source.close() for source in sources))
    await driver.close()
    return figures


async def httpxs(directory: Path, ends: Ends, sweeps: int) -> tuple[float, float]:
    """Measure the same of httpx."""
    context = ssl.create_default_context(cafile=directory / "ca.crt")
    clients = [
        httpx.AsyncClient(base_url=f"https://{address}:{ends.port}", verify=context, timeout=60)
        for address in ends.addresses
    ]
    figures = await cpu_ms([HttpxReading(client) for client in clients], sweeps)
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
def simulated(directory: Path, ends: Ends, peak_watts: float) -> Iterator[None]:
    """Run our simulator in another process."""
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    process = spawn.Process(target=_serve, args=(directory, ends, peak_watts, ready))
    process.start()
    try:
        if not ready.wait(READY_DEADLINE_S):
            raise RuntimeError("the simulator did not start")
        yield
    finally:
        process.kill()
        process.join()


def _serve(directory: Path, ends: Ends, peak_watts: float, ready: Any) -> None:
    async def serve() -> None:
        machines = {
            address: SimulatedMachine(address, address, idle_watts=300, peak_watts=300 + peak_watts)
            for address in ends.addresses
        }
        files = directory / "server.pem", directory / "server.key"
        await RedfishServer(machines, ends.port, *files).start()
        ready.set()
        await asyncio.Event().wait()

    uvloop.run(serve())


def section(costs: list[ReadingCost], bmcs: int) -> str:
    """Write the part of the page."""
    intro = (
        f"{bmcs} simulated BMCs, {min(bmcs, IN_FLIGHT)} in flight, TLS. When the watts do not change,"
        " the exporter also reads the power state each time; the watts of a busy machine change."
    )
    return f"## A reading over Redfish\n\n{intro}\n\n{readings('Redfish', costs, waited_share())}\n"


def measure(bmcs: int, sweeps: int) -> list[ReadingCost]:
    """Measure both clients against the same services."""
    ends = Ends([f"127.87.0.{number}" for number in range(1, bmcs + 1)], free_port())
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        made = generate(ends.addresses)
        for file, pem in zip(("ca.crt", "server.pem", "server.key"), made, strict=True):
            (directory / file).write_bytes(pem)
        secrets = write_secrets(directory, directory / "ca.crt")
        (secrets / "bmc/username").write_text(LOGIN.username)
        (secrets / "bmc/password").write_text(LOGIN.password)
        progress(f"{bmcs} simulated BMCs")
        with simulated(directory, ends, MOVING):
            uvloop.run(ours(directory, Ends(ends.addresses[:2], ends.port), 1))  # what is done once
            moving = uvloop.run(ours(directory, ends, sweeps))
            theirs = uvloop.run(httpxs(directory, ends, max(1, sweeps // 5)))
        with simulated(directory, ends, STILL):
            still = uvloop.run(ours(directory, ends, sweeps))
    return [
        ReadingCost(OURS, "changing watts", *moving, budget_ms=BUDGET_MS),
        ReadingCost("httpx", "changing watts", *theirs, "paths given in advance"),
        ReadingCost(OURS, "constant watts", *still, "two requests"),
    ]


def main() -> None:
    """Print the part of the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bmcs", type=int, default=200)
    parser.add_argument("--sweeps", type=int, default=50)
    arguments = parser.parse_args()
    print(section(measure(arguments.bmcs, arguments.sweeps), arguments.bmcs))


if __name__ == "__main__":
    main()
