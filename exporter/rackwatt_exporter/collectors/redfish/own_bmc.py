"""The BMC of this machine as a target, and the source that reads it.

It is a module of its own because a source of Redfish brings TLS and an HTTP client: 3 MiB, which a
node that has no such BMC does not pay.
"""

import math
from dataclasses import replace

from rackwatt_crds.node.redfish import NodeRedfish, port
from rackwatt_exporter.config.options import RedfishOptions, merge_layers
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.reading import Reading
from rackwatt_exporter.targets.redfish.source import RedfishDriver
from rackwatt_exporter.targets.validated import ValidatedSource


class OwnBmc:
    """The BMC at an address, and its driver, which it has alone."""

    def __init__(self, node: str, settings: NodeRedfish, address: str, secrets: Secrets) -> None:
        self._driver = RedfishDriver(secrets)
        target = _target(node, settings, address)
        self._source = ValidatedSource(self._driver.source(target), math.inf)

    async def read(self) -> Reading:
        """Read the power; how much one machine can draw is the collector's to know.

        Raises:
            ReadError: as the source of a target.
        """
        return await self._source.read()

    async def close(self) -> None:
        """End the session at the BMC."""
        await self._source.close()
        await self._driver.close()


def _target(node: str, settings: NodeRedfish, address: str) -> Target:
    options = replace(
        merge_layers(RedfishOptions, settings),
        scheme=settings.protocol or "https",
        port=port(settings),
        auth="basic" if settings.use_session_token is False else "session",
    )
    credentials = settings.credentials.secret_ref.name if settings.credentials else None
    return Target(node, address, "redfish", options, "", credentials=credentials)
