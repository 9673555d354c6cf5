"""CPU of an IPMI log-in and of a warm reading: our source beside pyghmi, in the same run.

Run it by `python -m tests.bench.bench_ipmi`. CPU is the client's process alone, user and system.
Suite 3 is read from ipmi_sim, suite 17 from our simulator, both in processes of their own.
"""

import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import uvloop

from rackwatt_exporter.simulator.ipmi import IpmiServer
from rackwatt_exporter.simulator.machine import Machine
from tests.exporter.targets.ipmi_targets import ACCOUNTS, driven
from tests.peers.ipmi_sim import SimSensor, ipmi_sim

BMCS = 60  # ipmi_sim has room for 63 sessions
SWEEPS = 200
PYGHMI_BMCS = 20
PYGHMI_SWEEPS = 50
BUDGET_MS = 0.06
SIMULATED_PORT = 16623
READY_DEADLINE_S = 10.0
SENSORS = ("PSU1 PIN", "PSU2 PIN")


async def ours(
    ends: Sequence[Any], account: str, directory: Path, **options: Any
) -> tuple[float, float]:
    """Measure our log-in with its first reading, and a warm reading, in milliseconds of CPU."""
    async with driven(directory) as made:
        sources = [made.source(end, account, **options) for end in ends]
        started_s = time.process_time()
        await asyncio.gather(*(source.read() for source in sources))
        first_s = time.process_time() - started_s
        started_s = time.process_time()
        await asyncio.gather(*(_read_often(source) for source in sources))
        warm_s = time.process_time() - started_s
    return first_s / len(ends) * 1e3, warm_s / len(ends) / SWEEPS * 1e3


async def _read_often(source: Any) -> None:
    for _ in range(SWEEPS):
        await source.read()


def pyghmis(ends: Sequence[Any], account: str) -> tuple[float, float]:
    """Measure the same of pyghmi, in a process of its own: its state would not leave ours."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        places = [(end.address, end.port) for end in ends[:PYGHMI_BMCS]]
        return pool.apply(_pyghmi, (places, ACCOUNTS[account]))


def _pyghmi(places: list[tuple[str, int]], login: tuple[str, str]) -> tuple[float, float]:
    from pyghmi.ipmi.command import Command

    started_s = time.process_time()
    bmcs = [Command(address, *login, port) for address, port in places]
    login_s = time.process_time() - started_s
    started_s = time.process_time()
    for _ in range(PYGHMI_SWEEPS):
        for bmc in bmcs:
            bmc.xraw_command(netfn=0x2C, command=2, data=(0xDC, 1, 0, 0))
    warm_s = time.process_time() - started_s
    return login_s / len(bmcs) * 1e3, warm_s / len(bmcs) / PYGHMI_SWEEPS * 1e3


@contextmanager
def simulated() -> Iterator[list[Any]]:
    """Run our simulator in another process."""
    addresses = [f"127.86.0.{number}" for number in range(1, BMCS + 1)]
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    process = spawn.Process(target=_serve, args=(addresses, ready))
    process.start()
    try:
        ready.wait(READY_DEADLINE_S)
        yield [SimpleNamespace(address=address, port=SIMULATED_PORT) for address in addresses]
    finally:
        process.terminate()
        process.join()


def _serve(addresses: list[str], ready: Any) -> None:
    async def serve() -> None:
        machines = {address: Machine(address, address) for address in addresses}
        await IpmiServer(machines, SIMULATED_PORT).start()
        ready.set()
        await asyncio.Event().wait()

    uvloop.run(serve())


def main() -> None:
    """Print the table."""
    print(f"{BMCS} BMCs, all in flight, one request each; budget {BUDGET_MS} ms for a warm reading")
    print(f"{'client':<10}{'peer':<12}{'suite':>6}  {'what':<10}{'log-in, ms':>12}{'warm, ms':>10}")
    fleet = [[SimSensor(name, 40, m=4) for name in SENSORS]] * BMCS
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with ipmi_sim(directory / "sim", fleet) as sim:
            _measure("ipmi_sim", sim.bmcs, "bmc", directory, 3)
        with simulated() as ends:
            _measure("simulator", ends, "simulated", directory, 17)


def _measure(peer: str, ends: Sequence[Any], account: str, directory: Path, suite: int) -> None:
    suited = {"cipher_suite": suite}
    dcmi = uvloop.run(ours(ends, account, directory, **suited))
    _print("rackwatt", peer, suite, "DCMI", *dcmi)
    sensors = ours(ends, account, directory, **suited, dcmi=False, sensors=SENSORS)
    _print("rackwatt", peer, suite, "2 sensors", *uvloop.run(sensors))
    theirs = pyghmis(ends, account)
    _print("pyghmi", peer, suite, "DCMI", *theirs)
    ratios = (f"{their / our:.0f} times" for their, our in zip(theirs, dcmi, strict=True))
    print(f"pyghmi takes {' and '.join(ratios)} as much")


def _print(client: str, peer: str, suite: int, what: str, login: float, warm: float) -> None:
    print(f"{client:<10}{peer:<12}{suite:>6}  {what:<10}{login:>12.3f}{warm:>10.3f}", flush=True)


if __name__ == "__main__":
    main()
