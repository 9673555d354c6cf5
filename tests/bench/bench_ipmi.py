"""CPU of an IPMI log-in and of a warm reading: ours, pyghmi's and prometheus-ipmi-exporter's.

CPU is the client's process alone, user and system, with the children of the exporter (freeipmi's
tools). Suite 3 is read from ipmi_sim, suite 17 from our simulator, both in processes of their own.
"""

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import uvloop

from rackwatt_exporter.simulator.ipmi.bmc import IpmiServer
from rackwatt_exporter.simulator.machine import SimulatedMachine
from tests.bench.peer_exporters import AbsentError, peer_exporter
from tests.bench.process import waited_share
from tests.bench.readings import OURS, ReadingCost, readings
from tests.bench.report import progress
from tests.exporter.targets.ipmi.driven import ACCOUNTS, driven
from tests.peers.ipmi_sim import SimSensor, ipmi_sim
from tests.peers.ports import free_port

MOST_BMCS = 60  # ipmi_sim has room for 63 sessions
PYGHMI_BMCS = 20
WATTS = 300
BUDGET_MS = 0.06
READY_DEADLINE_S = 60.0
SENSORS = ("PSU1 PIN", "PSU2 PIN")
EXPORTER = "prometheus-ipmi-exporter"


def measure(bmcs: int, sweeps: int) -> list[ReadingCost]:
    """Measure every client against the same BMCs."""
    fleet = [[SimSensor(name, 40, m=4) for name in SENSORS]] * bmcs
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with ipmi_sim(directory / "sim", fleet) as sim:
            for bmc in sim.bmcs:
                bmc.set_power(WATTS, step=1)
            costs = _clients(sim.bmcs, "bmc", directory, 3, sweeps)
            for bmc in sim.bmcs:
                bmc.set_power(WATTS)
            constant = uvloop.run(ours(sim.bmcs, "bmc", directory, sweeps, cipher_suite=3))
            costs.append(ReadingCost(OURS, "constant watts, suite 3", *constant, "two commands"))
            costs.append(_exporter(sim.bmcs[:PYGHMI_BMCS], directory, max(1, sweeps // 50)))
        with simulated(bmcs) as ends:
            return costs + _clients(ends, "simulated", directory, 17, sweeps)


def _clients(
    ends: Sequence[Any], account: str, directory: Path, suite: int, sweeps: int
) -> list[ReadingCost]:
    progress(f"{len(ends)} BMCs at cipher suite {suite}")
    suited = {"cipher_suite": suite}
    dcmi = f"DCMI, suite {suite}"
    uvloop.run(ours(ends[:2], account, directory, 1, **suited))  # what is done once
    our = uvloop.run(ours(ends, account, directory, sweeps, **suited))
    by_sensors = ours(ends, account, directory, sweeps, **suited, dcmi=False, sensors=SENSORS)
    sensors = uvloop.run(by_sensors)
    theirs = pyghmis(ends, account, max(1, sweeps // 4))
    return [
        ReadingCost(OURS, dcmi, *our, budget_ms=BUDGET_MS),
        ReadingCost("pyghmi", dcmi, *theirs),
        ReadingCost(OURS, f"2 sensors, suite {suite}", *sensors, "three commands"),
    ]


async def ours(
    ends: Sequence[Any], account: str, directory: Path, sweeps: int, **options: Any
) -> tuple[float, float]:
    """Measure our log-in with its first reading, and a warm reading, in milliseconds of CPU."""
    async with driven(directory) as made:
        timing = {"timeout_s": 60.0}
        sources = [made.source(end, account, timing=timing, **options) for end in ends]
        started_s = time.process_time()
        await asyncio.gather(*(source.read() for source in sources))
        first_s = time.process_time() - started_s
        started_s = time.process_time()
        await asyncio.gather(*(_read_often(source, sweeps) for source in sources))
        warm_s = time.process_time() - started_s
    return first_s / len(ends) * 1e3, warm_s / len(ends) / sweeps * 1e3


async def _read_often(source: Any, sweeps: int) -> None:
    for _ in range(sweeps):
        await source.read()


def pyghmis(ends: Sequence[Any], account: str, sweeps: int) -> tuple[float, float]:
    """Measure the same of pyghmi, in a process of its own: its state would not leave ours."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        places = [(end.address, end.port) for end in ends[:PYGHMI_BMCS]]
        return pool.apply(_pyghmi, (places, ACCOUNTS[account], sweeps))


def _pyghmi(
    places: list[tuple[str, int]], login: tuple[str, str], sweeps: int
) -> tuple[float, float]:
    from pyghmi.ipmi.command import Command

    started_s = time.process_time()
    bmcs = [Command(address, *login, port) for address, port in places]
    login_s = time.process_time() - started_s
    started_s = time.process_time()
    for _ in range(sweeps):
        for bmc in bmcs:
            bmc.xraw_command(netfn=0x2C, command=2, data=(0xDC, 1, 0, 0))
    warm_s = time.process_time() - started_s
    return login_s / len(bmcs) * 1e3, warm_s / len(bmcs) / sweeps * 1e3


def _exporter(ends: Sequence[Any], directory: Path, sweeps: int) -> ReadingCost:
    """Measure the exporter with its DCMI collector alone, the cheapest that yields watts."""
    username, password = ACCOUNTS["bmc"]
    module = {
        "user": username,
        "pass": password,
        "driver": "LAN_2_0",
        "privilege": "admin",
        "timeout": 20000,
        "collectors": ["dcmi"],
        "workaround_flags": ["opensesspriv"],  # as ipmi_sim needs it
    }
    progress(f"{EXPORTER}, {len(ends) * sweeps} scrapes")
    how = "DCMI, suite 3"
    try:
        with peer_exporter(EXPORTER, "/ipmi", {"modules": {"default": module}}, directory) as peer:
            targets = [f"{end.address}:{end.port}" for end in ends]
            spent_ms = peer.cost_ms(targets, sweeps, f"ipmi_dcmi_power_consumption_watts {WATTS}")
    except AbsentError as error:
        return ReadingCost(EXPORTER, how, None, None, str(error))
    return ReadingCost(EXPORTER, how, None, spent_ms, "logs in for each reading, by freeipmi")


@contextmanager
def simulated(bmcs: int) -> Iterator[list[Any]]:
    """Run our simulator in another process."""
    addresses = [f"127.86.0.{number}" for number in range(1, bmcs + 1)]
    port = free_port()
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    process = spawn.Process(target=_serve, args=(addresses, port, ready))
    process.start()
    try:
        if not ready.wait(READY_DEADLINE_S):
            raise RuntimeError("the simulator did not start")
        yield [SimpleNamespace(address=address, port=port) for address in addresses]
    finally:
        process.kill()
        process.join()


class ChangingMachine(SimulatedMachine):
    """Simulated machine whose watts are others each time they are read."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._watts = cycle((WATTS, WATTS + 1))

    def watts(self, time_s: float) -> float:
        """Return the next watts, at any time."""
        return next(self._watts)


def _serve(addresses: list[str], port: int, ready: Any) -> None:
    async def serve() -> None:
        machines = {address: ChangingMachine(address, address) for address in addresses}
        await IpmiServer(machines, port).start()
        ready.set()
        await asyncio.Event().wait()

    uvloop.run(serve())


def section(costs: list[ReadingCost], bmcs: int) -> str:
    """Write the part of the page."""
    intro = f"{bmcs} BMCs, each polled again as soon as it has answered; suite 3 is ipmi_sim. "
    intro += "When the watts do not change, the exporter also reads the power state each time."
    return f"## A reading over IPMI\n\n{intro}\n\n{readings('IPMI', costs, waited_share())}\n"


def main() -> None:
    """Print the part of the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bmcs", type=int, default=MOST_BMCS)
    parser.add_argument("--sweeps", type=int, default=200)
    arguments = parser.parse_args()
    print(section(measure(arguments.bmcs, arguments.sweeps), arguments.bmcs))


if __name__ == "__main__":
    main()
