"""Simulated fleet in a process of its own, which counts the packets and sessions it receives.

It runs what `rackwatt-exporter simulate` runs, with any mix of protocols and faults.
"""

import asyncio
import multiprocessing
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import yaml

from rackwatt_exporter.commands.runtime import run
from rackwatt_exporter.simulator import scenario
from rackwatt_exporter.simulator.certificate import write_files
from rackwatt_exporter.simulator.faults.device_faults import Fault
from rackwatt_exporter.simulator.fleet import KINDS, SERVER_NAME, Ports, Rack, racks, write
from rackwatt_exporter.simulator.loopback_https import HttpsServer
from rackwatt_exporter.simulator.loopback_udp import LoopbackServer
from rackwatt_exporter.simulator.machine import SimulatedMachine
from rackwatt_exporter.simulator.redfish.service import SimulatedService
from rackwatt_exporter.simulator.runner import SimulatedServer, answer, by_method
from rackwatt_exporter.simulator.scenario import Method
from rackwatt_exporter.simulator.snmp.agent import SimulatedAgent
from rackwatt_exporter.simulator.workload import DAY_S
from tests.bench.packet_counter import Arrivals, Contacts, Counts, Lateness, MetBmc, peak_per_s
from tests.peers.ports import free_ports

READY_DEADLINE_S = 120.0
# Shares of the timeout: a try takes nine tenths of it. Less is counted, for a process that is late
# at either end sees contacts that are over; a fleet later than the margin still counts too many.
_CONTACT, CONTACT_MARGIN = 0.8, 0.1
COUNTS_DEADLINE_S = 30.0
WELL = "faults: [{latency: 20ms}]"
# A real BMC takes 5 to 500 ms.
FAULTS = """
seed: 7
faults:
  - {latency: 20ms}
  - {share: 10%, dead: true}
  - {share: 2%, slow: 500ms}
  - {share: 1%, loss: 5%}
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """Size of a fleet, its protocols in equal parts, and its faults."""

    bmcs: int
    methods: tuple[Method, ...] = ("ipmi",)
    scenario: str = FAULTS
    interval_s: float = 10.0
    timeout_s: float = 5.0

    def racks(self) -> list[Rack]:
        """Build the racks."""
        kinds = [kind for kind in KINDS if kind.method in self.methods]
        return racks(self.bmcs, [replace(kind, share=1 / len(kinds)) for kind in kinds])

    def faults(self) -> dict[str, Fault]:
        """Return the fault of each machine that has one, by address."""
        return scenario.faults(scenario.parse(self.scenario.encode()), by_method(self.racks()))


class Fleet:
    """A running fleet: which machines are alive, and what it has counted."""

    def __init__(self, plan: Plan, pid: int, line: Connection) -> None:
        self.plan = plan
        self.pid = pid
        self._line = line
        dead = {address for address, fault in plan.faults().items() if fault.dead}
        machines = [machine for rack in plan.racks() for machine in rack.machines]
        self.living = frozenset(m.name for m in machines if m.address not in dead)

    def counts(self) -> Counts:
        """Return what was counted since the last call."""
        self._line.send(None)
        if not self._line.poll(COUNTS_DEADLINE_S):
            raise RuntimeError("the simulated fleet does not answer")
        counts: Counts = self._line.recv()
        return counts


@contextmanager
def simulated(plan: Plan, directory: Path) -> Iterator[Fleet]:
    """Run a fleet until the block ends; its documents are in `directory`."""
    here, there = multiprocessing.Pipe()
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=_serve, args=(plan, directory, Ports(*free_ports(3)), there))
    process.start()
    there.close()
    try:
        if not here.poll(READY_DEADLINE_S) or here.recv() != "ready":
            raise RuntimeError("the simulated fleet did not start")
        assert process.pid
        yield Fleet(plan, process.pid, here)
    finally:
        process.kill()
        process.join()
        here.close()


def _serve(plan: Plan, directory: Path, ports: Ports, line: Connection) -> None:
    run(_answer(plan, directory, ports, line))


async def _answer(plan: Plan, directory: Path, ports: Ports, line: Connection) -> int:
    furnished = plan.racks()
    _set_moving(machine for rack in furnished for machine in rack.machines)
    contacts = Contacts(_CONTACT * plan.timeout_s)
    arrivals = Arrivals((m for rack in furnished for m in rack.machines), contacts)
    arrivals.apply(plan.faults())
    devices = {
        machine.address: _device(machine, rack.kind.method, contacts)
        for rack in furnished
        for machine in rack.machines
    }
    files, authority = write_files(directory / "certificate", [SERVER_NAME])

    def of(method: Method) -> dict[str, Any]:
        return {m.address: devices[m.address] for m in by_method(furnished)[method]}

    def ready() -> None:
        write(directory, furnished, ports, authority)
        _pace(directory / "documents/fleet.yaml", plan)
        lossy = {address for address, fault in plan.faults().items() if fault.loss}
        lateness = Lateness()
        lateness.tick()
        send = partial(_send_counts, line, (arrivals, contacts, lateness), (devices, lossy))
        asyncio.get_running_loop().add_reader(line.fileno(), send)
        line.send("ready")

    servers: list[SimulatedServer] = [
        LoopbackServer(of("ipmi"), ports.ipmi, arrivals),
        LoopbackServer(of("snmp"), ports.snmp, arrivals),
        HttpsServer(of("redfish"), ports.redfish, files, arrivals),
    ]
    return await answer(servers, directory, ready)


def _set_moving(machines: Iterable[SimulatedMachine]) -> None:
    """Set the time of day at which watts change most, so that the result does not depend on it."""
    for machine in machines:
        machine.phase = -time.time() / DAY_S % 1.0


def _device(machine: SimulatedMachine, method: Method, contacts: Contacts) -> Any:
    if method == "snmp":
        return SimulatedAgent(machine)
    if method == "redfish":
        return SimulatedService(machine)
    return MetBmc(machine, partial(contacts.answered, socket.inet_aton(machine.address)))


def _send_counts(
    line: Connection,
    counted: tuple[Arrivals, Contacts, Lateness],
    bmcs: tuple[dict[str, Any], set[str]],
) -> None:
    try:
        line.recv()
    except EOFError:
        asyncio.get_running_loop().remove_reader(line.fileno())
        return
    arrivals, contacts, lateness = counted
    bins = arrivals.bins
    seen = (bins.total(), peak_per_s(bins), contacts.most)
    line.send(Counts(*seen, *_sessions(*bmcs), lateness.taken_s()))
    bins.clear()


def _sessions(devices: dict[str, Any], lossy: set[str]) -> tuple[int, int, int]:
    """Count sessions where no packet is lost, where some are, and those that are half open."""
    sound = unsound = half_open = 0
    for address, device in devices.items():
        every = getattr(device, "sessions", 0)
        open_now = getattr(device, "logged_in", every)
        half_open += every - open_now
        if address in lossy:
            unsound += open_now
        else:
            sound += open_now
    return sound, unsound, half_open


def _pace(path: Path, plan: Plan) -> None:
    document = yaml.safe_load(path.read_text())
    document["spec"] |= {
        "interval": f"{1000 * plan.interval_s:.0f}ms",
        "timeout": f"{1000 * plan.timeout_s:.0f}ms",
    }
    path.write_text(yaml.safe_dump(document, default_flow_style=None, width=120))
