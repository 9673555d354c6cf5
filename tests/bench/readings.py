"""What one reading costs a client, beside what it costs ours: rows and their table."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.report import NONE, table, times, with_unit

OURS = "rackwatt"
BUSY = 0.1


@dataclass(frozen=True, slots=True)
class ReadingCost:
    """Milliseconds of processor time of one client, children included.

    `first_ms` is a log-in with its first reading, `warm_ms` every reading after it. A client that
    keeps nothing open has no first: each of its readings is one. Clients are compared within a `how`.
    `budget_ms` is the most a warm one may be.
    """

    client: str
    how: str
    first_ms: float | None
    warm_ms: float | None
    note: str = ""
    budget_ms: float | None = None

    @property
    def kept(self) -> bool | None:
        """Whether the budget is kept; None without one, or without a figure."""
        if self.warm_ms is None or self.budget_ms is None:
            return None
        return self.warm_ms <= self.budget_ms


def readings(protocol: str, costs: Sequence[ReadingCost], waited: float) -> str:
    """Write the costs as a table, a ratio beside each that is not ours, a sentence if we miss.

    `waited` is the share of its time that the measuring process was ready to run and could not.
    """
    ours = {cost.how: cost for cost in costs if cost.client == OURS}
    rows = [_row(cost, ours.get(cost.how)) for cost in costs]
    columns = ("client", "what", "first, ms", "warm, ms", "first", "warm", "budget, warm", "")
    missed = [f"\n{_missed(protocol, cost, waited)}" for cost in costs if cost.kept is False]
    return "\n".join([table(columns, rows), *missed])


def _missed(protocol: str, cost: ReadingCost, waited: float) -> str:
    figure = f"{protocol}, {cost.how}, takes us {cost.warm_ms:.3f} ms, and the budget is"
    why = f": for {waited:.0%} of the time others had the processors, and the caches with them"
    return f"**Missed:** {figure} {cost.budget_ms} ms{why if waited > BUSY else ''}."


def _row(cost: ReadingCost, ours: ReadingCost | None) -> tuple[str, ...]:
    cells = [cost.client, cost.how, _ms(cost.first_ms), _ms(cost.warm_ms)]
    if ours is cost or ours is None:
        return (*cells, "", "", _verdict(cost), cost.note)
    first_ms = cost.warm_ms if cost.first_ms is None else cost.first_ms
    ratios = (times(first_ms, ours.first_ms), times(cost.warm_ms, ours.warm_ms))
    return (*cells, *ratios, "", cost.note)


def _verdict(cost: ReadingCost) -> str:
    if cost.budget_ms is None:
        return ""
    verdict = {True: "kept", False: "**missed**", None: "not measured"}[cost.kept]
    return f"≤ {with_unit(cost.budget_ms, 'ms')}: {verdict}"


def _ms(value: float | None) -> str:
    return NONE if value is None else f"{value:.3f}"
