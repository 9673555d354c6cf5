"""Relay of each scheduler's snapshot to other exporters.

The body is encoded once for each snapshot. `Age` is that of the scheduler's own response, rounded
up, so that a copy is withdrawn no later than the snapshot here. A withdrawn snapshot is not served.
schedulers/remote.py is the other end, schedulers/relay.py the format.
"""

import hashlib
import math
import time
from dataclasses import dataclass

import msgspec
from aiohttp import web

from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot, nodes_alone
from rackwatt_exporter.store.node_states import SchedulerRecord
from rackwatt_exporter.web.compression import CompressedBody

ROUTE = relay.path("{name}")


@dataclass(frozen=True, slots=True)
class _Encoded:
    snapshot: SchedulerSnapshot
    cluster: str
    body: CompressedBody
    etag: str


class RelayHandler:
    """The snapshot of each binding, sent to those that do not have it yet."""

    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter
        self._encoded: dict[tuple[str, bool], _Encoded] = {}

    async def snapshot(self, request: web.Request) -> web.Response:
        """Serve a snapshot, that it is the same, or why there is none.

        404 for a binding that no document names; 503 with `reason: message` as text.
        """
        name = request.match_info["name"]
        self._exporter.schedulers.withdraw_stale()
        record = self._exporter.schedulers.records.get(name)
        if record is None:
            message = f"no document names a SchedulerBinding {name!r:.200}\n"
            return web.Response(text=message, status=404)
        if record.value is None or record.read_at_s is None:
            return web.Response(text=_silence(record), status=503)
        alone = "jobs", relay.NODES_ALONE["jobs"]
        encoded = self._encode(record, record.value, alone not in request.query.items())
        headers = {
            "Content-Type": relay.CONTENT_TYPE,
            "Cache-Control": "no-cache",
            "ETag": f'W/"{encoded.etag}"',
            "Age": str(math.ceil(time.monotonic() - record.read_at_s)),
        }
        if any(etag.value in (encoded.etag, "*") for etag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return await encoded.body.response(request, headers)

    def _encode(
        self, record: SchedulerRecord, snapshot: SchedulerSnapshot, whole: bool
    ) -> _Encoded:
        """Encode a snapshot, whole or its nodes alone, unless that was done.

        Where the scheduler has no name for its cluster, that of the SchedulerBinding is served.
        """
        name, cluster = record.spec.name, record.spec.cluster
        present = self._encoded.get((name, whole))
        if present and present.snapshot is snapshot and present.cluster == cluster:
            return present
        named = msgspec.structs.replace(snapshot, cluster=snapshot.cluster or cluster)
        if not whole:
            named = nodes_alone(named)
        body = relay.encode(named)
        etag = hashlib.sha256(body).hexdigest()[:32]
        same = present is not None and present.etag == etag
        compressed = present.body if present is not None and same else CompressedBody(body)
        self._encoded[name, whole] = encoded = _Encoded(snapshot, cluster, compressed, etag)
        return encoded


def _silence(record: SchedulerRecord) -> str:
    if record.error is not None:
        return f"{record.error.reason}: {record.error}\n"
    if record.read_at_s is None:
        return "timeout: the scheduler has not answered yet\n"
    return f"timeout: no answer for {record.spec.stale_after_s:g} s\n"
