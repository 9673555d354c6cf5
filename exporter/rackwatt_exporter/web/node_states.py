"""What each scheduler said of its nodes, for other exporters: ten of them cost it no more than one.

The list is written anew for each answer that differs. `Age` says how old the scheduler's answer is,
rounded up, so that whoever keeps a copy withdraws it no later than we do; what is withdrawn here is
not served at all (schedulers/remote.py is the other end).
"""

import hashlib
import math
import time
from dataclasses import dataclass

from aiohttp import web

from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.schedulers import node_states_api as listing
from rackwatt_exporter.schedulers.base import NodeStates
from rackwatt_exporter.store.node_states import SchedulerRecord
from rackwatt_exporter.web.compression import CompressedBody

ROUTE = listing.path("{name}")


@dataclass(frozen=True, slots=True)
class _Written:
    of: tuple[str, object]
    body: CompressedBody
    etag: str


class NodeStatesHandler:
    """The list of each binding, served to whoever has not got it yet."""

    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter
        self._written: dict[str, _Written] = {}

    async def nodes(self, request: web.Request) -> web.Response:
        """Serve the states of a scheduler's nodes, that they are the same, or why there are none.

        404 for a binding that no document names; 503 with `reason: message` as text.
        """
        name = request.match_info["name"]
        self._exporter.schedulers.withdraw_stale()
        record = self._exporter.schedulers.records.get(name)
        if record is None:
            told = f"no document names a SchedulerBinding {name!r:.200}\n"
            return web.Response(text=told, status=404)
        if record.value is None or record.read_at_s is None:
            return web.Response(text=_silence(record), status=503)
        written = self._list(record, record.value)
        headers = {
            "Content-Type": "application/json",
            "Cache-Control": "no-cache",
            "ETag": f'W/"{written.etag}"',
            "Age": str(math.ceil(time.monotonic() - record.read_at_s)),
        }
        if any(etag.value in (written.etag, "*") for etag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return await written.body.response(request, headers)

    def _list(self, record: SchedulerRecord, answer: NodeStates) -> _Written:
        """Write the list, unless it was written of this very answer."""
        name, of = record.spec.name, (record.spec.cluster, answer)
        present = self._written.get(name)
        if present is not None and present.of[0] == of[0] and present.of[1] is answer:
            return present
        body = listing.written(record.spec.cluster, answer)
        etag = hashlib.sha256(body).hexdigest()[:32]
        again = present is not None and present.etag == etag
        encoded = present.body if present is not None and again else CompressedBody(body)
        self._written[name] = written = _Written(of, encoded, etag)
        return written


def _silence(record: SchedulerRecord) -> str:
    if record.error is not None:
        return f"{record.error.reason}: {record.error}\n"
    if record.read_at_s is None:
        return "timeout: the scheduler has not answered yet\n"
    return f"timeout: no answer for {record.spec.stale_after_s:g} s\n"
