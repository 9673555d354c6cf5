"""All targets as Prometheus' HTTP service discovery has them, for scrapes of `/probe`.

Each is named by its node: what a scrape asks for is ours to know, and no address goes round that
would not be answered for.
"""

import hashlib
from collections.abc import Iterable

import msgspec
from aiohttp import web

from rackwatt_exporter.config.fleet import Fleet
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.web.compression import CompressedBody


class Discovery:
    """The list, written anew for each fleet and served to whoever has not got it yet."""

    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter
        self._of: Fleet | None = None
        self._list = CompressedBody(b"[]")
        self._etag = ""

    async def targets(self, request: web.Request) -> web.Response:
        """Serve the list, or that it is still the same."""
        if self._of is not self._exporter.fleet:
            self._of = self._exporter.fleet
            body = msgspec.json.encode(discovered(self._of.targets.values()))
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


def discovered(targets: Iterable[Target]) -> list[dict[str, object]]:
    """Tell each target with its meta labels."""
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
