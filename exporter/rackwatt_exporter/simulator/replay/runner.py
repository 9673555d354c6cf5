"""A capture at work: each recorded BMC at an address of its own, and the documents to read them."""

import ipaddress
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from rackwatt_exporter.capture import Capture, CaptureError, Recorded
from rackwatt_exporter.protocols.ipmi.crypto import SUITES
from rackwatt_exporter.simulator import documents
from rackwatt_exporter.simulator.certificate import keep
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
from rackwatt_exporter.simulator.runner import Server, answer
from rackwatt_exporter.simulator.snmp.agent import SimulatedAgent
from rackwatt_exporter.simulator.vendors import Vendor

_FIRST_ADDRESS = ipaddress.IPv4Address("127.82.0.1")


async def serve(capture: Capture, ports: Ports, directory: Path) -> int:
    """Answer as the capture says until SIGTERM or SIGINT; the result is the exit status.

    Raises:
        CaptureError: an answer in it that cannot be told.
    """
    files, authority = keep(directory / "certificate", [SERVER_NAME])
    ready = partial(write, directory, capture, ports, authority)
    return await answer(servers(capture, ports, files), directory, ready)


def servers(capture: Capture, ports: Ports, files: tuple[Path, Path]) -> list[Server]:
    """Make what answers as the capture says.

    Raises:
        CaptureError: an answer in it that cannot be told.
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


def addresses(capture: Capture) -> Mapping[str, Recorded]:
    """Return each recorded target an address on loopback."""
    return {str(_FIRST_ADDRESS + place): each for place, each in enumerate(capture.targets)}


def write(directory: Path, capture: Capture, ports: Ports, authority: bytes) -> None:
    """Write the document and secrets by which the recorded targets are read."""
    hosts = [_entry(address, target, ports) for address, target in addresses(capture).items()]
    bmc: dict[str, object] = {"credentials": {"secretRef": {"name": "bmc"}}, "hosts": hosts}
    spec: dict[str, object] = {"interval": "10s", "timeout": "5s", "bmc": bmc}
    written = {"replay.yaml": documents.document("PowerTarget", spec)}
    documents.write(directory, written, SimulatedLogin(), authority)


def _entry(address: str, target: Recorded, ports: Ports) -> dict[str, Any]:
    said = dict(target.settings)
    if target.method == "redfish":
        said["tls"] = {"caSecretRef": {"name": "bmc-ca"}, "serverName": SERVER_NAME}
    own: dict[str, Any] = {target.method: {**said, "port": getattr(ports, target.method)}}
    if target.method == "snmp":
        own["credentials"] = {"secretRef": {"name": "pdu"}}
    return {"names": target.node, "addresses": address, "method": target.method, **own}


def _vendor(target: Recorded) -> Vendor:
    """Be like the BMC that was recorded in what is not an answer: its suites, where it logs in."""
    suite = target.ipmi.suite if target.ipmi else None
    login = target.redfish.login if target.redfish else None
    path = login.rstrip("/").removeprefix(f"{ROOT}/") if login else "SessionService/Sessions"
    suites = (suite,) if suite in SUITES else tuple(SUITES)
    return Vendor("recorded", suites=suites, sessions_path=path)
