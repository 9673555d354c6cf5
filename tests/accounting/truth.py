"""What was used, by the shortest way to say it: a loop over units, with nothing of the product."""

from collections import Counter
from collections.abc import Iterable

from hypothesis import strategies as st

from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.model.window import Window

Totals = tuple[int, int, int, int, int]
# A Sunday of 25 hours lies within.
BEGIN_S = 1_792_700_000
LENGTH_S = 4 * 86400


def used(units: Iterable[Unit], window: Window, seen_s: int) -> dict[tuple[str, str], Totals]:
    """Sum seconds of wall, cpus, memory, GPUs and nodes by user and account."""
    totals: dict[tuple[str, str], Counter[int]] = {}
    for unit in units:
        end_s = unit.ended_at_s if unit.ended_at_s is not None else seen_s
        from_s = max(unit.started_at_s + unit.suspended_s, window.from_s)
        wall_s = min(end_s, window.to_s) - from_s
        if wall_s <= 0:
            continue
        per_s = (1, unit.cpus, unit.memory_mib, unit.gpus, unit.nodes)
        total = totals.setdefault((unit.user, unit.account), Counter())
        total.update({index: wall_s * amount for index, amount in enumerate(per_s)})
    return {
        who: (total[0], total[1], total[2], total[3], total[4]) for who, total in totals.items()
    }


@st.composite
def _unit(draw: st.DrawFn, number: int) -> Unit:
    started_s = BEGIN_S + draw(st.integers(0, LENGTH_S))
    length_s = draw(st.sampled_from((0, 1, 60, 3600, 86400, 3 * 86400)))
    return Unit(
        id=str(number % 7),
        started_at_s=started_s,
        ended_at_s=started_s + length_s,
        restart=number,
        suspended_s=draw(st.sampled_from((0, 0, 0, length_s // 3, length_s))),
        user=draw(st.sampled_from(("ann", "bob", "o'brien", "müller"))),
        account=draw(st.sampled_from(("physics", "chemistry"))),
        partition=draw(st.sampled_from(("cpu", "gpu"))),
        cpus=draw(st.integers(1, 64)),
        memory_mib=draw(st.integers(0, 4096)),
        gpus=draw(st.integers(0, 8)),
        nodes=draw(st.integers(1, 4)),
        state="completed",
    )


@st.composite
def some_units(draw: st.DrawFn) -> list[Unit]:
    """Draw units of different keys; ids are used again."""
    return [draw(_unit(number)) for number in range(draw(st.integers(0, 12)))]


windows = st.builds(
    lambda from_s, length_s: Window(BEGIN_S + from_s, BEGIN_S + from_s + length_s),
    st.integers(-86400, LENGTH_S),
    st.integers(0, LENGTH_S + 3 * 86400),
)
