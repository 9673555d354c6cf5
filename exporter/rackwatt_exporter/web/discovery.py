"""HTTP service discovery: all targets as Prometheus reads them, for scrapes of `/probe`.

A target is named by its node. `/probe` takes only configured nodes, so addresses are not needed.
"""

import hashlib
from collections.abc import Iterable

import msgspec
from aiohttp import web

from rackwatt_exporter.config.fleet import Fleet
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.web.compression import CompressedBody


class TargetGroups:
    """The list of target groups, rendered once for each fleet."""

    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter
        self._rendered_for: Fleet | None = None
        self._list = CompressedBody(b"[]")
        self._etag = ""

    async def targets(self, request: web.Request) -> web.Response:
        """Serve the list, or 304 if the client has it."""
        if self._rendered_for is not self._exporter.fleet:
            self._rendered_for = self._exporter.fleet
            body = msgspec.json.encode(target_groups(self._rendered_for.targets.values()))
            self._list = CompressedBody(body)
            self._etag = hashlib.sha256(body).hexdigest()[:32]
        headers = {
            "Content-Type": "application/json",
            "Cache-Control": "no-cache",
            "ETag": f'W/"{self._etag}"',
        }
        if any(etag.value in (self._etag, "*") for etag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return await self._list.response(request, headers)


def target_groups(targets: Iterable[Target]) -> list[dict[str, object]]:
    """Return each target with its meta labels."""
    return [
        {
            "targets": [target.node],
            "labels": {
                "__meta_rackwatt_node": target.node,
                "__meta_rackwatt_type": target.type,
                "__meta_rackwatt_rack": target.rack,
                "__meta_rackwatt_method": target.method,
                "__meta_rackwatt_address": target.address,
                "__meta_rackwatt_powertarget": target.document,
            },
        }
        for target in targets
    ]
