"""Grafana's dashboard model, as far as ours use it: panels that flow from left to right.

Every query uses the data source selected at the top: its name differs from site to site.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

_COLUMNS = 24
_SCHEMA_VERSION = 39
COUNT = "locale"
"""The unit of a number of things in a stat: 1,440, where `short` would round to 1.44 K."""
_SCRAPE = (
    "Time", "__name__", "namespace", "job", "instance", "pod", "service", "container", "endpoint",
)  # fmt: skip
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Query:
    """One expression of PromQL, and what its series are called in the legend."""

    expression: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. `unit` is Grafana's word: `watt`, `kwatth`, `s`, `short`, `percentunit`.

    `value` is the title of a table's column of values; without one the labels are all of it.
    """

    title: str
    kind: Literal["stat", "timeseries", "table"]
    queries: tuple[Query, ...]
    unit: str
    description: str
    width: int = 12
    height: int = 8
    stacked: bool = False
    value: str = ""

    def model(self, number: int, left: int, top: int) -> dict[str, Any]:
        """Write it at its place."""
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "datasource": _SOURCE,
            "gridPos": {"x": left, "y": top, "w": self.width, "h": self.height},
            "fieldConfig": {"defaults": self._defaults(), "overrides": []},
            "targets": [self._target(*one) for one in zip("ABCDEF", self.queries, strict=False)],
            **self._transformed(),
        }

    def _defaults(self) -> dict[str, Any]:
        """Return how values are drawn, where Grafana's own defaults would mislead.

        Grafana draws numbers above 80 in red, and starts a stack near its smallest sum.
        """
        if self.kind == "stat":
            return {"unit": self.unit, "color": {"mode": "fixed", "fixedColor": "text"}}
        if self.kind == "timeseries":
            floor = {"min": 0} if self.stacked else {}
            return {"unit": self.unit, "custom": self._drawing()} | floor
        return {"unit": self.unit}

    def _drawing(self) -> dict[str, Any]:
        stacking = {"stacking": {"mode": "normal", "group": "A"}} if self.stacked else {}
        return {"drawStyle": "line", "fillOpacity": 20 if self.stacked else 0} | stacking

    def _target(self, letter: str, query: Query) -> dict[str, Any]:
        instant = self.kind != "timeseries"
        return {
            "refId": letter,
            "datasource": _SOURCE,
            "expr": query.expression,
            "legendFormat": query.legend,
            "instant": instant,
            "range": not instant,
            "format": "table" if self.kind == "table" else "time_series",
        }

    def _transformed(self) -> dict[str, Any]:
        """Leave a table the labels of what it lists, and not those of the scrape."""
        if self.kind != "table":
            return {}
        hidden = _SCRAPE if self.value else (*_SCRAPE, "Value")
        options = {
            "excludeByName": dict.fromkeys(hidden, True),
            "renameByName": {"Value": self.value} if self.value else {},
        }
        return {"transformations": [{"id": "organize", "options": options}]}


def stacked(title: str, expression: str, legend: str, description: str) -> Panel:
    """Make a panel of counts that add up."""
    return Panel(
        title=title,
        kind="timeseries",
        queries=(Query(expression, legend),),
        unit="short",
        description=description,
        stacked=True,
    )


def stat(title: str, expression: str, unit: str, description: str) -> Panel:
    """Make a panel of one number."""
    return Panel(title, "stat", (Query(expression),), unit, description, width=6, height=4)


def errors_panel(title: str, errors: str) -> Panel:
    """Make the panel of a family that counts failures by reason."""
    return Panel(
        title=title,
        kind="timeseries",
        queries=(Query(f"sum by (reason) (rate({errors}[$__rate_interval]))", "{{reason}}"),),
        unit="reqps",
        description="By reason: docs/troubleshooting.md says what to do about each.",
    )


def dashboard(uid: str, title: str, tags: list[str], panels: Iterable[Panel]) -> dict[str, Any]:
    """Write a whole dashboard."""
    source = {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
    }
    return {
        "uid": uid,
        "title": title,
        "tags": tags,
        "schemaVersion": _SCHEMA_VERSION,
        "editable": False,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [source]},
        "panels": list(_placed(panels)),
    }


def _placed(panels: Iterable[Panel]) -> Iterator[dict[str, Any]]:
    left = top = tallest = 0
    for number, panel in enumerate(panels, 1):
        if left + panel.width > _COLUMNS:
            left, top, tallest = 0, top + tallest, 0
        yield panel.model(number, left, top)
        left, tallest = left + panel.width, max(tallest, panel.height)
