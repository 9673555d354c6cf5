"""The collector `redfish`: the node's own BMC, read as the BMC of a target is.

There is one reader of Redfish: this finds the BMC of the machine that it runs on, and gives the
reading to the node. The BMC is where the document says, or where it says itself, over IPMI.
"""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rackwatt_crds.duration import seconds
from rackwatt_crds.endpoints import address_problem
from rackwatt_crds.node.redfish import HOSTNAME, NodeRedfish
from rackwatt_exporter.collectors.base import CollectorResult
from rackwatt_exporter.collectors.bmc_statistics import plausible, statistics_samples
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.ipmi.local_bmc import (
    WORKER,
    LocalBmc,
    device_paths,
    lan_address,
)
from rackwatt_exporter.reading import WHOLE_NODE, DomainPower, ReadError, Reading, Reason

if TYPE_CHECKING:
    from rackwatt_exporter.collectors.redfish.own_bmc import OwnBmc

ZONE = "bmc"
# A BMC that is not where it was may have a new address.
_MOVED = (Reason.TIMEOUT, Reason.CONNECTION_REFUSED, Reason.UNREACHABLE, Reason.TLS_FAILED)
_NOT_GIVEN = "the document has no spec.node.redfish, with the credentials of the BMC"


class RedfishCollector:
    """One machine's BMC."""

    def __init__(
        self,
        host: HostPaths,
        settings: NodeRedfish | None,
        secrets: Secrets,
        worker: Sequence[str] = WORKER,
    ) -> None:
        self._host = host
        self._settings = settings
        self._secrets = secrets
        self._worker = worker
        self._bmc: OwnBmc | None = None

    async def read(self) -> CollectorResult:
        """Read watts, the BMC's statistics, and its counter of energy where it has one.

        Raises:
            ReadError: absent without settings, or without an address of the BMC; timeout; and as
                the source of a target.
        """
        settings = self._settings
        if settings is None:
            raise ReadError(Reason.ABSENT, _NOT_GIVEN)
        timeout_s = seconds(settings.timeout) if settings.timeout else None
        try:
            async with asyncio.timeout(timeout_s):
                reading = await self._read(settings)
        except TimeoutError:
            message = f"no reading within the timeout of {timeout_s:g}s"
            raise ReadError(Reason.TIMEOUT, message) from None
        except ReadError as error:
            if error.reason in _MOVED and settings.hostname is None:
                await self.close()
            raise
        watts = plausible(reading.watts, reading.statistics, reading.source)
        power = DomainPower(WHOLE_NODE, ZONE, watts, joules=reading.joules)
        samples = tuple(statistics_samples("redfish", reading.statistics))
        return CollectorResult(samples, powers=(power,))

    async def close(self) -> None:
        """End the session at the BMC."""
        bmc, self._bmc = self._bmc, None
        if bmc is not None:
            await bmc.close()

    async def _read(self, settings: NodeRedfish) -> Reading:
        if self._bmc is None:
            from rackwatt_exporter.collectors.redfish.own_bmc import OwnBmc

            address = await self._address(settings)
            self._bmc = OwnBmc(self._host.node, settings, address, self._secrets)
        return await self._bmc.read()

    async def _address(self, settings: NodeRedfish) -> str:
        if settings.hostname is not None:
            return _named(settings.hostname.replace(HOSTNAME, self._host.node))
        bmc = LocalBmc(device_paths(self._host.devfs, 0), self._worker)
        try:
            return await lan_address(bmc)
        finally:
            await bmc.close()


def _named(address: str) -> str:
    """Return an address that can be one.

    Raises:
        ReadError: invalid_entry.
    """
    if problem := address_problem(address):
        raise ReadError(Reason.INVALID_ENTRY, f"spec.node.redfish.hostname: {problem}")
    return address
