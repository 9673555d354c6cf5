"""A fleet of simulated Redfish services, each at its own loopback address."""

from collections.abc import Mapping
from pathlib import Path

from rackwatt_exporter.simulator.faults.device_faults import Faults
from rackwatt_exporter.simulator.loopback_https import HttpsServer
from rackwatt_exporter.simulator.machine import SimulatedMachine
from rackwatt_exporter.simulator.redfish.service import SimulatedService


class RedfishServer(HttpsServer):
    """The BMCs of `machines`, which are keyed by their IPv4 loopback address, at one TCP port."""

    def __init__(
        self,
        machines: Mapping[str, SimulatedMachine],
        port: int,
        certificate: Path,
        key: Path,
        faults: Faults | None = None,
    ) -> None:
        services = {address: SimulatedService(machine) for address, machine in machines.items()}
        super().__init__(services, port, (certificate, key), faults)
