"""Run of a replay: each recorded BMC at an address of its own, and its documents."""

import ipaddress
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from rackwatt_exporter.capture import Capture, CaptureError, RecordedTarget
from rackwatt_exporter.protocols.ipmi.crypto import SUITES
from rackwatt_exporter.simulator import documents
from rackwatt_exporter.simulator.certificate import write_files
from rackwatt_exporter.simulator.fleet import SERVER_NAME, Ports
from rackwatt_exporter.simulator.ipmi.bmc import SimulatedBmc
from rackwatt_exporter.simulator.loopback_https import HttpsServer
from rackwatt_exporter.simulator.loopback_udp import LoopbackServer
from rackwatt_exporter.simulator.machine import SimulatedLogin, SimulatedMachine
from rackwatt_exporter.simulator.redfish.service import SimulatedService
from rackwatt_exporter.simulator.redfish.tree import ROOT
from rackwatt_exporter.simulator.replay.device import (
    RecordedCommands,
    RecordedResources,
    recorded_tree,
)
from rackwatt_exporter.simulator.runner import SimulatedServer, answer
from rackwatt_exporter.simulator.snmp.agent import SimulatedAgent
from rackwatt_exporter.simulator.vendors import Vendor

_FIRST_ADDRESS = ipaddress.IPv4Address("127.82.0.1")


async def serve(capture: Capture, ports: Ports, directory: Path) -> int:
    """Serve a capture until SIGTERM or SIGINT; return the exit status.

    Raises:
        CaptureError: a response in it cannot be encoded.
    """
    files, authority = write_files(directory / "certificate", [SERVER_NAME])
    ready = partial(write, directory, capture, ports, authority)
    return await answer(servers(capture, ports, files), directory, ready)


def servers(capture: Capture, ports: Ports, files: tuple[Path, Path]) -> list[SimulatedServer]:
    """Make the servers of a capture.

    Raises:
        CaptureError: a response in it cannot be encoded.
    """
    bmcs, agents, services = {}, {}, {}
    for address, target in addresses(capture).items():
        machine = SimulatedMachine(target.node, address, vendor=_vendor(target))
        try:
            if target.ipmi is not None:
                bmcs[address] = SimulatedBmc(machine, RecordedCommands(machine, target.ipmi))
            if target.snmp is not None:
                agents[address] = SimulatedAgent(machine, recorded_tree(target.snmp))
            if target.redfish is not None:
                resources = RecordedResources(target.redfish)
                services[address] = SimulatedService(machine, resources.show)
        except (ValueError, OverflowError) as error:
            raise CaptureError(f"{target.node}: {error}") from None
    return [
        LoopbackServer(bmcs, ports.ipmi),
        LoopbackServer(agents, ports.snmp),
        HttpsServer(services, ports.redfish, files),
    ]


def addresses(capture: Capture) -> Mapping[str, RecordedTarget]:
    """Return each recorded target an address on loopback."""
    return {str(_FIRST_ADDRESS + index): each for index, each in enumerate(capture.targets)}


def write(directory: Path, capture: Capture, ports: Ports, authority: bytes) -> None:
    """Write the document and secrets of the recorded targets."""
    hosts = [_entry(address, target, ports) for address, target in addresses(capture).items()]
    bmc: dict[str, object] = {"credentials": {"secretRef": {"name": "bmc"}}, "hosts": hosts}
    spec: dict[str, object] = {"interval": "10s", "timeout": "5s", "bmc": bmc}
    written = {"replay.yaml": documents.document("PowerTarget", spec)}
    documents.write(directory, written, SimulatedLogin(), authority)


def _entry(address: str, target: RecordedTarget, ports: Ports) -> dict[str, Any]:
    settings = dict(target.settings)
    if target.method == "redfish":
        settings["tls"] = {"caSecretRef": {"name": "bmc-ca"}, "serverName": SERVER_NAME}
    own: dict[str, Any] = {target.method: {**settings, "port": getattr(ports, target.method)}}
    if target.method == "snmp":
        own["credentials"] = {"secretRef": {"name": "pdu"}}
    return {"names": target.node, "addresses": address, "method": target.method, **own}


def _vendor(target: RecordedTarget) -> Vendor:
    """Return a vendor with the suites and the log-in path of the recorded BMC."""
    suite = target.ipmi.suite if target.ipmi else None
    login = target.redfish.login if target.redfish else None
    path = login.rstrip("/").removeprefix(f"{ROOT}/") if login else "SessionService/Sessions"
    suites = (suite,) if suite in SUITES else tuple(SUITES)
    return Vendor("recorded", suites=suites, sessions_path=path)
