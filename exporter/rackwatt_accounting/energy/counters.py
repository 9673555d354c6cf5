"""The joules of units within a window, of the counters of their nodes' ledgers.

A counter is read where a window ends and where it begins: what lies between is exact, however many
samples are missing, and no sum of samples. A range query would extrapolate to the edges of its
range, which adds tens of per cent to short jobs.

A counter begins at 0 with its unit, so one that has no value where the window begins began within
it. A ledger keeps the last value of a unit for some minutes after its end.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rackwatt_accounting.model.window import Window
from rackwatt_exporter.protocols.http.prometheus import PrometheusApi, Vector

HOST = "rackwatt_unit_energy_joules_total"
GPU = "rackwatt_unit_gpu_energy_joules_total"
# How far back the last value before a window is looked for: a scraper that was away.
LOOKBACK_S = 900


@dataclass(frozen=True, slots=True)
class Joules:
    """What the counters of a unit say of a window; `series` is how many nodes have one."""

    joules: float
    series: int
    has_reset: bool = False


@dataclass(frozen=True, slots=True)
class CounterReader:
    """Reads the counters of the units of one manager; `matchers` select those of one cluster."""

    api: PrometheusApi
    manager: str
    matchers: str = ""
    timeout_s: float = 60.0

    async def joules(self, family: str, window: Window, unit: str = "") -> dict[str, Joules]:
        """Return the joules of each unit, or of one, within a window.

        Raises:
            ReadError: Prometheus did not answer, or in part.
        """
        selector = self._selector(family, unit)
        end = f"[{window.seconds}s] @ {window.to_s})"
        begin = f"[{LOOKBACK_S}s] @ {window.from_s})"
        last = await self._query(f"last_over_time({selector}{end}")
        first = await self._query(f"last_over_time({selector}{begin}")
        reset = await self._query(f"resets({selector}{end} > 0")
        grown = await self._query(f"increase({selector}{end}") if reset.samples else Vector(())
        return joules_of(last, first, reset, grown)

    def _selector(self, family: str, unit: str) -> str:
        matchers = [f'manager="{self.manager}"']
        if unit:
            matchers.append(f'unit="{_escaped(unit)}"')
        return f"{family}{{{', '.join(filter(None, (*matchers, self.matchers)))}}}"

    async def _query(self, expression: str) -> Vector:
        return await self.api.query(expression, self.timeout_s)


def joules_of(last: Vector, first: Vector, reset: Vector, grown: Vector) -> dict[str, Joules]:
    """Return the joules of each unit: the sum over its nodes of what each counter grew by."""
    before = _by_series(first)
    resets, growth = _by_series(reset), _by_series(grown)
    total: Counter[str] = Counter()
    series: Counter[str] = Counter()
    started_again = set()
    for key, value in _by_series(last).items():
        unit = key[0]
        joules = value - before.get(key, 0.0)
        if key in resets or joules < 0:
            joules = growth.get(key, value)
            started_again.add(unit)
        total[unit] += joules  # type: ignore[assignment]
        series[unit] += 1
    return {
        unit: Joules(float(total[unit]), count, unit in started_again)
        for unit, count in series.items()
    }


def _by_series(vector: Vector) -> Mapping[tuple[str, str], float]:
    """Return values by unit and node; of two series of one node the larger, a copy of it."""
    values: dict[tuple[str, str], float] = {}
    for labels, value in vector.samples:
        key = labels.get("unit", ""), labels.get("node", "")
        values[key] = max(value, values.get(key, value))
    return values


def _escaped(text: str) -> str:
    """Return a text as it is written in a string of PromQL."""
    escapes: Sequence[tuple[str, str]] = (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"))
    for plain, escape in escapes:
        text = text.replace(plain, escape)
    return text
