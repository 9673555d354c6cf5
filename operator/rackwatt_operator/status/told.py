"""What collectors tell of themselves (`/status`, docs/web.md), as far as a status needs it.

It comes from pods, so it is taken with care: what is not of its type is no answer at all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec


class _Counts(msgspec.Struct, frozen=True):
    configured: int = 0
    reachable: int = 0
    failing: int = 0
    watts: float | None = None


class Failing(msgspec.Struct, frozen=True):
    """A target that fails."""

    node: str
    reason: str | None = None
    message: str | None = None
    watts: float | None = None
    failing_for_s: float | None = None


class _Collector(msgspec.Struct, frozen=True):
    node: str = ""
    up: bool = False
    watts: float | None = None
    reason: str | None = None
    message: str | None = None
    failing_for_s: float | None = None


class _Grid(msgspec.Struct, frozen=True):
    zone: str = ""
    up: bool = False
    reason: str | None = None
    message: str | None = None


class Scheduler(msgspec.Struct, frozen=True):
    """What a scheduler answers."""

    name: str
    up: bool = False
    version: str | None = None
    age_s: float | None = None
    nodes: dict[str, int] = {}
    reason: str | None = None
    message: str | None = None


class MissingSecret(msgspec.Struct, frozen=True):
    """A key of a Secret that something fails for want of; `first` is who wants it."""

    secret: str
    key: str
    first: str | None = None
    wanted_by: int = 0


class _Documents(msgspec.Struct, frozen=True):
    problems: int = 0
    first_problems: list[str] = []


class Answer(msgspec.Struct, frozen=True):
    """One collector's `/status`."""

    targets: _Counts = _Counts()
    failing: list[Failing] = []
    schedulers: list[Scheduler] = []
    collectors: list[_Collector] = []
    grids: list[_Grid] = []
    secrets_missing: list[MissingSecret] = []
    documents: _Documents = _Documents()


@dataclass(frozen=True, slots=True)
class Told:
    """What all collectors of a document tell together; `silent` are those that told nothing."""

    asked: int
    silent: int
    configured: int = 0
    reachable: int = 0
    failing: int = 0
    watts: float | None = None
    worst: Sequence[Failing] = ()
    schedulers: Sequence[Scheduler] = ()
    secrets_missing: Sequence[MissingSecret] = ()
    problems: Sequence[str] = ()


def answer(body: bytes) -> Answer | None:
    """Read a collector's answer; None if it is none."""
    try:
        return msgspec.json.decode(body, type=Answer)
    except msgspec.DecodeError:
        return None


def together(answers: Sequence[Answer | None], most_worst: int) -> Told:
    """Add up what collectors told; None stands for one that did not."""
    heard = [one for one in answers if one is not None]
    parts = [part for one in heard for part in _parts(one)]
    failing = sorted(
        (worst for _, failing in parts for worst in failing),
        key=lambda one: (-(one.failing_for_s or 0.0), one.node),
    )
    watts = [counts.watts for counts, _ in parts if counts.watts is not None]
    return Told(
        asked=len(answers),
        silent=len(answers) - len(heard),
        configured=sum(counts.configured for counts, _ in parts),
        reachable=sum(counts.reachable for counts, _ in parts),
        failing=sum(counts.failing for counts, _ in parts),
        watts=sum(watts) if watts else None,
        worst=failing[:most_worst],
        schedulers=[scheduler for one in heard for scheduler in one.schedulers],
        secrets_missing=_missing(heard),
        problems=list(
            dict.fromkeys(told for one in heard for told in one.documents.first_problems)
        ),
    )


def _parts(one: Answer) -> Iterable[tuple[_Counts, list[Failing]]]:
    """Count a fleet's targets, a node as one target whatever is measured in it, and grids."""
    yield one.targets, one.failing
    if one.collectors:
        yield _node(one.collectors)
    if one.grids:
        down = [Failing(grid.zone, grid.reason, grid.message) for grid in one.grids if not grid.up]
        total = len(one.grids)
        yield _Counts(total, total - len(down), len(down)), down


def _node(collectors: list[_Collector]) -> tuple[_Counts, list[Failing]]:
    """Count one node: several collectors may measure its power, and they are not to be added."""
    down = [one for one in collectors if one.reason is not None]
    watts = [one.watts for one in collectors if one.watts is not None]
    up = any(one.up for one in collectors)
    counts = _Counts(1, int(up), int(bool(down)), max(watts) if watts else None)
    return counts, [
        Failing(one.node, one.reason, one.message, one.watts, one.failing_for_s) for one in down[:1]
    ]


def _missing(heard: Iterable[Answer]) -> list[MissingSecret]:
    found: dict[tuple[str, str], MissingSecret] = {}
    for missing in (missing for one in heard for missing in one.secrets_missing):
        key = (missing.secret, missing.key)
        before = found.get(key)
        wanted = missing.wanted_by + (before.wanted_by if before else 0)
        found[key] = MissingSecret(*key, before.first if before else missing.first, wanted)
    return list(found.values())
