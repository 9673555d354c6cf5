"""Simulated fleet of any size: machines in racks, each rack of one protocol, and its documents.

Every machine has an address of its own in 127/8, so that a client addresses it like a real BMC: by
address, on one port for each protocol.
"""

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rackwatt_exporter.simulator import documents
from rackwatt_exporter.simulator.machine import SimulatedLogin, SimulatedMachine
from rackwatt_exporter.simulator.scenario import Method

RACK_SIZE = 40
_NETWORK = int(ipaddress.IPv4Address("127.81.0.0"))
_RACK_ADDRESSES = 256
MAX_NODES = 60_000
# Busiest after 14:00 UTC, each machine at its own hour; two thirds of the watts are the jobs'.
_AFTERNOON, _SCATTER, _RESTLESS = 0.64, 0.1, 0.65
_GOLDEN = 0.618033988749895
SERVER_NAME = "bmc.simulated"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of machine: its names, its method, and its power."""

    name: str
    type: str
    method: Method
    share: float
    idle_watts: float
    peak_watts: float


KINDS = (
    Kind("cn", "compute", "ipmi", 0.5, 140.0, 520.0),
    Kind("gn", "gpu", "redfish", 0.35, 420.0, 3400.0),
    Kind("pdu", "core", "snmp", 0.15, 1200.0, 6800.0),
)


@dataclass(frozen=True, slots=True)
class Rack:
    """One rack: its name, its kind, and the machines in it, at consecutive addresses."""

    name: str
    kind: Kind
    machines: tuple[SimulatedMachine, ...]

    @property
    def entry(self) -> dict[str, object]:
        """The rack as an entry of a PowerTarget."""
        first, last = self.machines[0], self.machines[-1]
        numbers = f"{first.name[len(self.kind.name) :]}-{last.name[len(self.kind.name) :]}"
        network, _, low = first.address.rpartition(".")
        high = last.address.rpartition(".")[2]
        return {
            "names": f"{self.kind.name}[{numbers}]",
            "addresses": f"{network}.[{low}-{high}]",
            "type": self.kind.type,
            "rack": self.name,
            "method": self.kind.method,
        }


@dataclass(frozen=True, slots=True)
class Ports:
    """The port of each protocol, the same for every machine."""

    ipmi: int = 9623
    snmp: int = 9161
    redfish: int = 9443


def racks(nodes: int, kinds: Sequence[Kind] = KINDS, address: str | None = None) -> list[Rack]:
    """Return racks with this many machines in all, at least one of each kind where possible.

    The first kind has the machines that the others leave. With an address, all machines have it,
    one of each kind at most.

    Raises:
        ValueError: more machines than there are addresses, or than have room at one.
    """
    if not 1 <= nodes <= MAX_NODES:
        raise ValueError(f"{nodes} nodes: from 1 to {MAX_NODES} can be simulated")
    if address is not None and nodes > len(kinds):
        raise ValueError(f"{nodes} nodes: one address has room for {len(kinds)}, each of a kind")
    login = SimulatedLogin()
    built: list[Rack] = []
    for kind, count in _counts(nodes, kinds):
        width = len(str(count))
        for first in range(0, count, RACK_SIZE):
            number = len(built)
            base = _NETWORK + number * _RACK_ADDRESSES + 1
            machines = tuple(
                SimulatedMachine(
                    name=f"{kind.name}{first + index + 1:0{width}}",
                    address=address or str(ipaddress.IPv4Address(base + index)),
                    idle_watts=kind.idle_watts,
                    peak_watts=kind.peak_watts,
                    phase=_AFTERNOON + _SCATTER * ((first + index) * _GOLDEN % 1.0),
                    login=login,
                    restless=_RESTLESS,
                )
                for index in range(min(RACK_SIZE, count - first))
            )
            built.append(Rack(f"r{number + 1}", kind, machines))
    return built


def _counts(nodes: int, kinds: Sequence[Kind]) -> Iterator[tuple[Kind, int]]:
    left = nodes
    for kind in kinds[1:]:
        count = min(max(round(nodes * kind.share), 1), left - 1) if nodes > 1 else 0
        left -= count
        if count:
            yield kind, count
    yield kinds[0], left


def write(directory: Path, built: list[Rack], ports: Ports, authority: bytes) -> None:
    """Write the documents and secrets of the racks."""
    written = {"fleet.yaml": _power_target(built, ports), "scheduler.yaml": _binding(built)}
    documents.write(directory, written, built[0].machines[0].login, authority)


def _power_target(built: list[Rack], ports: Ports) -> dict[str, object]:
    entries = []
    for rack in built:
        own = {"credentials": {"secretRef": {"name": "pdu"}}} if rack.kind.method == "snmp" else {}
        entries.append({**rack.entry, **own})
    bmc = {
        "credentials": {"secretRef": {"name": "bmc"}},
        # The sensors count where a scenario has BMCs without DCMI.
        "ipmi": {"port": ports.ipmi, "sensors": ["PSU1 PIN", "PSU2 PIN"]},
        "snmp": {
            "port": ports.snmp,
            "version": "3",
            "oids": [{"oid": "1.3.6.1.4.1.318.1.1.26.4.3.1.5.1", "scale": 10}],
        },
        "redfish": {
            "port": ports.redfish,
            "tls": {"caSecretRef": {"name": "bmc-ca"}, "serverName": SERVER_NAME},
        },
        "hosts": entries,
    }
    spec = {
        "schedulerRef": {"name": "simulated"},
        "interval": "10s",
        "timeout": "5s",
        "bmc": bmc,
    }
    return documents.document("PowerTarget", spec)


def _binding(built: list[Rack]) -> dict[str, object]:
    """Return a binding with pinned states of compute nodes: most allocated, some idle or down."""
    states: dict[str, list[str]] = {"allocated": [], "idle": [], "drained": [], "down": []}
    pattern = ["allocated"] * 7 + ["idle", "idle", "drained"] + ["allocated"] * 9 + ["down"]
    computing = [m for rack in built if rack.kind.method != "snmp" for m in rack.machines]
    for index, machine in enumerate(computing):
        states[pattern[index % len(pattern)]].append(machine.name)
    pinned = [{"names": ",".join(names), "state": s} for s, names in states.items() if names]
    return documents.document(
        "SchedulerBinding", {"cluster": "simulated", "noop": {"states": pinned}}
    )
