"""`GET /api/v2/units`: jobs, VMs and pods one by one, of what the caller may see.

A page has at most `limit` units. The response links the next one (RFC 8288, `rel="next"`). A unit
that the caller may not see is left out, as one that does not exist.
"""

import base64
import binascii
import struct
from collections.abc import AsyncIterator, Sequence

from aiohttp import web

from rackwatt_accounting.api.parameters import Parameters
from rackwatt_accounting.api.scope import scope
from rackwatt_accounting.api.table import Cell, not_acceptable, stream, writer_for
from rackwatt_accounting.storage.store import Store
from rackwatt_accounting.usage.units import Position, UnitRecord, UnitsQuestion, list_units

PATH = "/api/v2/units"
COLUMNS = (
    "cluster", "id", "display_id", "name", "user", "account", "group", "partition", "qos", "state",
    "exit_code", "submitted_s", "started_s", "ended_s", "wall_s", "suspended_s", "cpus", "nodes",
    "gpus", "memory_mib", "billing", "node_list", "cpu_used_s", "memory_used_mib", "host_j",
    "gpu_j", "coverage", "method", "scheduler_j",
)  # fmt: skip
MAX_LIMIT, DEFAULT_LIMIT = 1000, 100
_PARAMETERS = frozenset({"from", "to", "filter", "id", "limit", "cursor"})
_CURSOR = struct.Struct(">qq")


class UnitsApi:
    """Lists units, of what each caller may see."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add_routes(self, app: web.Application) -> None:
        """Add the path to an application."""
        app.router.add_get(PATH, self.get)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Respond with a page of units."""
        writer = writer_for(request)
        if writer is None:
            return not_acceptable()
        parameters = Parameters(request.query, _PARAMETERS)
        limit = parameters.number("limit", DEFAULT_LIMIT, MAX_LIMIT)
        question = UnitsQuestion(
            window=parameters.window(),
            scope=await scope(request),
            filters=parameters.filters(),
            ids=tuple(dict.fromkeys(request.query.getall("id", [])))[: MAX_LIMIT + 1],
            after=_position(parameters),
            limit=limit + 1,  # one more: is there another page?
        )
        if len(question.ids) > MAX_LIMIT:
            parameters.problems["id"] = f"it is given more than {MAX_LIMIT} times"
        parameters.check()
        found = await list_units(self._store, question)
        headers = {}
        if len(found) > limit:
            following = request.rel_url.update_query(cursor=_cursor(found[limit - 1].position))
            headers["Link"] = f'<{following}>; rel="next"'
        return await stream(request, writer, COLUMNS, _rows(found[:limit]), headers)


async def _rows(found: Sequence[UnitRecord]) -> AsyncIterator[Sequence[Cell]]:
    for record in found:
        yield cells(record)


def cells(record: UnitRecord) -> Sequence[Cell]:
    """Return the cells of a unit, in the order of the columns."""
    row, texts, energy = record.row, record.texts, record.energy
    host, gpu = energy.host_mj, energy.gpu_mj
    return (
        texts["cluster"], row.job, row.display or row.job, row.name, texts["user"],
        texts["account"], texts["group"], texts["partition"], texts["qos"], texts["state"],
        texts["exit_code"], row.submitted_s, row.started_s,
        None if record.is_running else row.end_s, record.wall_s, row.suspended_s, row.cpus,
        row.nodes, row.gpus, row.memory_mib, row.billing, row.node_list or "",
        None if row.cpu_used_ms is None else row.cpu_used_ms / 1000, row.memory_used_mib,
        None if host is None else host / 1000, None if gpu is None else gpu / 1000,
        round(energy.covered_s / record.wall_s, 4) if record.wall_s else 0.0,
        energy.method.word, row.scheduler_joules,
    )  # fmt: skip


def _cursor(position: Position) -> str:
    return base64.urlsafe_b64encode(_CURSOR.pack(*position)).decode().rstrip("=")


def _position(parameters: Parameters) -> Position | None:
    text = parameters.text("cursor")
    if not text:
        return None
    try:
        return Position(*_CURSOR.unpack(base64.urlsafe_b64decode(text[:64] + "==")))
    except (binascii.Error, struct.error, ValueError):
        parameters.problems["cursor"] = "it is none that a page has linked"
        return None
