"""Registry of methods: each is a module of its own and a row here.

Drivers are imported when first needed: a fleet without SNMP does not pay for it.
"""

from collections.abc import Iterable, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import NamedTuple, cast

from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.targets.base import Driver, Source
from rackwatt_exporter.targets.validated import ValidatedSource


class DriverRow(NamedTuple):
    """Where a driver is, and how many descriptors each of its targets holds."""

    factory: str
    descriptors: int = 0


DRIVERS: Mapping[str, DriverRow] = MappingProxyType(
    {
        # Its targets share a socket.
        "ipmi": DriverRow("rackwatt_exporter.targets.ipmi.source:IpmiDriver"),
        "ipmiSsh": DriverRow("rackwatt_exporter.targets.ipmi_ssh:IpmiSshDriver", 3),
        "snmp": DriverRow("rackwatt_exporter.targets.snmp.source:SnmpDriver", 1),
        "redfish": DriverRow("rackwatt_exporter.targets.redfish.source:RedfishDriver", 1),
        "fake": DriverRow("rackwatt_exporter.targets.fake:FakeDriver"),
        "invalid": DriverRow("rackwatt_exporter.targets.invalid:InvalidDriver"),
    }
)


def descriptors(targets: Iterable[Target]) -> int:
    """Return how many descriptors these targets need at most, when all of them are read."""
    return sum(DRIVERS[target.method].descriptors for target in targets)


class DriverRegistry:
    """The drivers in use in this process."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._drivers: dict[str, Driver] = {}

    def source(self, target: Target) -> Source:
        """Make the source of a target, whose readings are plausible for it."""
        return ValidatedSource(self.driver(target.method).source(target), target.max_watts)

    def driver(self, method: str) -> Driver:
        """Return the driver of a method, created at the first call."""
        if method not in self._drivers:
            module, name = DRIVERS[method].factory.split(":")
            factory = getattr(import_module(module), name)
            self._drivers[method] = cast(Driver, factory(self._secrets))
        return self._drivers[method]

    async def close(self) -> None:
        """Close every driver in use."""
        for driver in self._drivers.values():
            await driver.close()
        self._drivers.clear()
