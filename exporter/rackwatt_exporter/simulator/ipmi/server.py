"""A fleet of simulated BMCs that speak IPMI over RMCP+, each at its own loopback address."""

from collections.abc import Mapping

from rackwatt_exporter.simulator.faults.device_faults import Faults
from rackwatt_exporter.simulator.ipmi.bmc import SimulatedBmc
from rackwatt_exporter.simulator.loopback_udp import LoopbackServer
from rackwatt_exporter.simulator.machine import SimulatedMachine


class IpmiServer(LoopbackServer):
    """The BMCs of `machines`, which are keyed by their IPv4 loopback address, at one UDP port."""

    def __init__(
        self, machines: Mapping[str, SimulatedMachine], port: int, faults: Faults | None = None
    ) -> None:
        devices = {address: SimulatedBmc(machine) for address, machine in machines.items()}
        super().__init__(devices, port, faults)
