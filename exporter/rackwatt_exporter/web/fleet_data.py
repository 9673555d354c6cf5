"""Data of the fleet page: the fleet as columns of numbers, in few bytes.

Two parts. The layout, names and places, stays until the documents are read again. The readings
come as what has changed since a revision of the store, so that a viewer of ten thousand nodes gets
a few kilobytes a second; they are written once a second at most, and viewers who have seen the same
get the same bytes. All other things that are measured, few beside the targets, come as a list for
each kind, with every answer.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from rackwatt_exporter import __version__
from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.pipelines.pipeline import Pipeline
from rackwatt_exporter.remedies import REMEDIES
from rackwatt_exporter.store.store import Record
from rackwatt_exporter.store.targets import TargetRecord
from rackwatt_exporter.web.compression import CompressedBody
from rackwatt_exporter.web.node_data import is_measured

INTERVAL_S = 1.0
_MAX_PROBLEMS = 20
_REASONS = {reason: index for index, reason in enumerate(REMEDIES)}
_COLUMNS = ("at", "watts", "age_s", "state", "reason", "failing_s")


class FleetData:
    """Layout and readings of an exporter's targets, indexed as the store's records."""

    def __init__(
        self,
        exporter: Exporter,
        telemetry_path: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._exporter = exporter
        self._telemetry_path = telemetry_path
        self._clock = clock
        self._cached_layout = ("", CompressedBody(b""))
        self._states: dict[str, int] = {}
        self._cached_at_s = -INTERVAL_S
        self._cached_for = ""
        self._cached: dict[int, CompressedBody] = {}
        self._lists: list[dict[str, Any]] = []
        self._revision = 0

    @property
    def layout_name(self) -> str:
        """The identity of the layout: when the documents were reloaded."""
        return f"{self._exporter.reloaded_at_s:.6f}"

    def layout(self) -> CompressedBody:
        """Return the layout: targets, names of numbers, remedies and problems."""
        name = self.layout_name
        if self._cached_layout[0] != name:
            body = msgspec.json.encode(self._layout(name))
            self._cached_layout = name, CompressedBody(body)
        return self._cached_layout[1]

    def readings(self, layout: str, since: int) -> CompressedBody:
        """Return the changes since a revision; for another layout, only its name."""
        if layout != self.layout_name:
            return CompressedBody(msgspec.json.encode({"layout": self.layout_name}))
        now_s = self._clock()
        if now_s - self._cached_at_s >= INTERVAL_S or layout != self._cached_for:
            self._exporter.withdraw_stale()
            self._lists = [_list(one, now_s) for one in self._exporter.registry.listed]
            self._revision = self._exporter.targets.revision
            self._cached_at_s, self._cached_for = now_s, layout
            self._cached.clear()
        if since not in self._cached:
            self._cached[since] = CompressedBody(
                msgspec.json.encode(self._changes(layout, since, now_s))
            )
        return self._cached[since]

    def _layout(self, name: str) -> dict[str, Any]:
        targets = [record.spec for record in self._exporter.targets.records.values()]
        problems = self._exporter.fleet.problems
        return {
            "layout": name,
            "version": __version__,
            "telemetry_path": self._telemetry_path,
            "inside": self._exporter.host.node if is_measured(self._exporter) else None,
            "reasons": [(reason, *remedy) for reason, remedy in REMEDIES.items()],
            "problems": {"count": len(problems), "first": problems[:_MAX_PROBLEMS]},
            "node": [target.node for target in targets],
            "address": [target.address for target in targets],
            "rack": _words(target.rack for target in targets),
            "type": _words(target.type for target in targets),
            "method": _words(target.method for target in targets),
        }

    def _changes(self, layout: str, since: int, now_s: float) -> dict[str, Any]:
        records = self._exporter.targets.records.values()
        rows = [
            self._row(index, record, now_s)
            for index, record in enumerate(records)
            if record.revision > since
        ]
        return {
            "layout": layout,
            "revision": self._revision,
            "states": list(self._states),
            "lists": self._lists,
            **dict(zip(_COLUMNS, zip(*rows, strict=True) if rows else [()] * 6, strict=True)),
        }

    def _row(self, index: int, record: TargetRecord, now_s: float) -> tuple[float | None, ...]:
        reading, error = record.value, record.error
        state = self._exporter.targets.states.get(record.spec.node)
        return (
            index,
            None if reading is None else round(reading.watts, 1),
            _since(record.read_at_s, now_s),
            None if state is None else self._states.setdefault(state, len(self._states)),
            None if error is None else _REASONS[error.reason],
            _since(record.failing_since_s, now_s),
        )


def _words(texts: Iterable[str]) -> dict[str, Any]:
    """Return a column with few distinct words: the words, and an index for each target."""
    numbers: dict[str, int] = {}
    at = [numbers.setdefault(text, len(numbers)) for text in texts]
    return {"words": list(numbers), "at": at}


def _list(pipeline: Pipeline[Any, Any], now_s: float) -> dict[str, Any]:
    """Write all things of a kind that is no fleet: few, so whole each time."""
    items = [_item(pipeline, record, now_s) for record in pipeline.store.records.values()]
    return {"title": pipeline.name.capitalize(), "items": items}


def _item(pipeline: Pipeline[Any, Any], record: Record[Any, Any], now_s: float) -> dict[str, Any]:
    error, subject = record.error, pipeline.subject(record.spec)
    return {
        "node": subject.node,
        "method": subject.method,
        "found": pipeline.found(record),
        "age_s": _since(record.read_at_s, now_s),
        "reason": None if error is None else _REASONS[error.reason],
        "message": None if error is None else str(error),
        "failing_s": _since(record.failing_since_s, now_s),
    }


def _since(at_s: float | None, now_s: float) -> float | None:
    return None if at_s is None else round(now_s - at_s, 1)
