"""`/alloy-targets`: the processes of units, as HTTP service discovery of Prometheus."""

import asyncio
import logging

import msgspec
from aiohttp import web

from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.web.compression import CompressedBody

log = logging.getLogger(__name__)

PATH = "/alloy-targets"
_OFF = "no document has spec.node.profiling\n"
_DENIED = (
    "%d processes are not listed at %s: their variables may not be read, which needs "
    "CAP_SYS_PTRACE, and in a container the host's process namespace"
)


class ProfilingHandler:
    """Handler of the list. Processes come and go, so it is made at each request, in a thread."""

    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter
        self._said = False

    async def targets(self, request: web.Request) -> web.Response:
        """Serve the list; 404 where no document wants it."""
        profiling = self._exporter.fleet.profiling
        if profiling is None:
            return web.Response(text=_OFF, status=404)
        from rackwatt_exporter.units.profiling import profiling_targets

        places = self._exporter.registry.units.places()
        found = await asyncio.to_thread(
            profiling_targets, places, self._exporter.host.procfs, profiling
        )
        if found.denied and not self._said:
            self._said = True
            log.warning(_DENIED, found.denied, PATH)
        headers = {"Content-Type": "application/json", "Cache-Control": "no-cache"}
        return await CompressedBody(msgspec.json.encode(found.targets)).response(request, headers)
