"""`GET /api/v2/usage`: what was used within a window, summed by what the client names.

The columns are those of the names, the period where there is a step, and then always the same.
What is not known is no number: energy that nothing measured, and grams without a factor.
"""

from collections.abc import AsyncIterator, Sequence

from aiohttp import web

from rackwatt_accounting.api.parameters import Parameters
from rackwatt_accounting.api.scope import scope
from rackwatt_accounting.api.table import Cell, not_acceptable, stream, writer_for
from rackwatt_accounting.storage.store import Store
from rackwatt_accounting.usage.answer import UsageRow, answer
from rackwatt_accounting.usage.question import Question
from rackwatt_accounting.usage.used import Used

PATH = "/api/v2/usage"
MEASURES = (
    "wall_s", "cpu_s", "mem_mib_s", "gpu_s", "node_s",
    "host_j", "gpu_j", "host_g", "gpu_g", "coverage",
)  # fmt: skip
_PARAMETERS = frozenset({"from", "to", "aggregate", "step", "timezone", "filter"})


class UsageApi:
    """Answers questions about usage, of what each caller may see."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add_routes(self, app: web.Application) -> None:
        """Add the path to an application."""
        app.router.add_get(PATH, self.get)

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Respond with a table of usage."""
        writer = writer_for(request)
        if writer is None:
            return not_acceptable()
        parameters = Parameters(request.query, _PARAMETERS)
        question = Question(
            window=parameters.window(),
            calendar=parameters.calendar(self._store.calendar),
            scope=await scope(request),
            aggregate=parameters.aggregate(),
            step=parameters.step(),
            filters=parameters.filters(),
        )
        parameters.check()
        period = (question.step.value,) if question.step else ()
        columns = (*(name.value for name in question.aggregate), *period, *MEASURES)
        return await stream(request, writer, columns, self._rows(question))

    async def _rows(self, question: Question) -> AsyncIterator[Sequence[Cell]]:
        async for row in answer(self._store, question):
            yield cells(question, row)


def cells(question: Question, row: UsageRow) -> Sequence[Cell]:
    """Return the cells of a row, in the order of the columns."""
    used = row.used
    period = (row.period,) if question.step else ()
    return (
        *row.names, *period,
        used.wall_s, used.cpu_s, used.mem_mib_s, used.gpu_s, used.node_s,
        _host_joules(used), _gpu_joules(used), None, None, round(used.coverage, 4),
    )  # fmt: skip


def _host_joules(used: Used) -> float | None:
    return used.host_mj / 1000 if used.covered_s else None


def _gpu_joules(used: Used) -> float | None:
    """Return the joules of GPUs: 0 where none was held, None where none of those was measured."""
    if used.gpu_mj or not used.gpu_s:
        return used.gpu_mj / 1000
    return None
