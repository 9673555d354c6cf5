"""What collectors tell of themselves (`/status`, docs/web.md), as far as a status needs it.

It comes from pods, so it is taken with care: what is not of its type, or cannot be, is no answer at
all.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

_SCRAPED_S = 600.0
"""Two scrapes are no further apart, or Prometheus would take the series for stale between them."""
_LONGEST_SCRAPER = 100

_Count = Annotated[int, Meta(ge=0, le=2**31)]
_Watts = Annotated[float, Meta(ge=0, le=1e12)]
_Seconds = Annotated[float, Meta(ge=0, le=1e10)]
_Reason = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}\Z")]


class _Counts(msgspec.Struct, frozen=True):
    configured: _Count = 0
    reachable: _Count = 0
    failing: _Count = 0
    watts: _Watts | None = None


class Failing(msgspec.Struct, frozen=True):
    """A target that fails."""

    node: str
    reason: _Reason | None = None
    message: str | None = None
    watts: _Watts | None = None
    failing_for_s: _Seconds | None = None


class _Collector(msgspec.Struct, frozen=True):
    node: str = ""
    watts: _Watts | None = None
    reason: _Reason | None = None
    message: str | None = None
    failing_for_s: _Seconds | None = None


class _Grid(msgspec.Struct, frozen=True):
    zone: str = ""
    reason: _Reason | None = None
    message: str | None = None
    failing_for_s: _Seconds | None = None


class Unmatched(msgspec.Struct, frozen=True):
    """Names that one side has and the other does not: how many, and the first of them."""

    targets: _Count = 0
    first_targets: list[str] = []
    nodes: _Count = 0
    first_nodes: list[str] = []


class Scheduler(msgspec.Struct, frozen=True):
    """What a scheduler answers."""

    name: str
    up: bool = False
    version: str | None = None
    age_s: _Seconds | None = None
    nodes: dict[str, _Count] = {}
    unmatched: Unmatched | None = None
    reason: _Reason | None = None
    message: str | None = None


class MissingSecret(msgspec.Struct, frozen=True):
    """A key of a Secret that something fails for want of; `first` is who wants it."""

    secret: str
    key: str
    first_reference: str | None = None
    affected_targets: _Count = 0


class _Documents(msgspec.Struct, frozen=True):
    first_problems: list[str] = []


class _Scraped(msgspec.Struct, frozen=True):
    by: str = ""
    age_s: _Seconds = 0.0


class Answer(msgspec.Struct, frozen=True):
    """One collector's `/status`."""

    scraped: _Scraped | None = None
    targets: _Counts = _Counts()
    failing: list[Failing] = []
    schedulers: list[Scheduler] = []
    collectors: list[_Collector] = []
    grids: list[_Grid] = []
    secrets_missing: list[MissingSecret] = []
    documents: _Documents = _Documents()


@dataclass(frozen=True, slots=True)
class CollectorStatus:
    """What all collectors of a document tell together.

    `silent` are those that told nothing; `scraped` is how many were scraped not long ago.
    """

    asked: int
    silent: int
    configured: int = 0
    reachable: int = 0
    failing: int = 0
    watts: float | None = None
    failing_targets: Sequence[Failing] = ()
    schedulers: Sequence[Scheduler] = ()
    secrets_missing: Sequence[MissingSecret] = ()
    problems: Sequence[str] = ()
    why_silent: str = ""
    scraped: int = 0
    scrapers: Sequence[str] = ()

    @property
    def whole(self) -> bool:
        """Whether every collector answers and has asked all that it is to ask."""
        return (
            not self.silent
            and self.reachable + self.failing >= self.configured
            and all(one.up or one.reason for one in self.schedulers)
        )

    def agrees(self, other: "CollectorStatus | None") -> bool:
        """Tell whether it comes to the same, measured values and times apart."""
        return other is not None and self._gist() == other._gist()

    def _gist(self) -> object:
        counts = (self.asked, self.silent, self.configured, self.reachable, self.failing)
        schedulers = [
            (one.name, one.up, one.reason, one.unmatched and one.unmatched.targets)
            for one in self.schedulers
        ]
        scraped = (self.scraped, self.scrapers)
        return counts, schedulers, scraped, self.secrets_missing, self.problems, self.why_silent


def answer(body: bytes) -> Answer | None:
    """Read a collector's answer; None if it is none."""
    try:
        return msgspec.json.decode(body, type=Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def together(
    answers: Sequence[Answer | None], most_worst: int, why_silent: str = ""
) -> CollectorStatus:
    """Add up what collectors told; None stands for one that did not, for a reason if known."""
    heard = [one for one in answers if one is not None]
    counts = [one.targets for one in heard]
    failing = sorted(
        (down for one in heard for down in _failing(one)),
        key=lambda one: (-(one.failing_for_s or 0.0), one.node),
    )
    scraped = [one.scraped for one in heard if one.scraped and one.scraped.age_s <= _SCRAPED_S]
    watts = [count.watts for count in counts if count.watts is not None]
    return CollectorStatus(
        asked=len(answers),
        silent=len(answers) - len(heard),
        configured=sum(count.configured for count in counts),
        reachable=sum(count.reachable for count in counts),
        failing=sum(count.failing for count in counts),
        watts=sum(watts) if watts else None,
        failing_targets=failing[:most_worst],
        schedulers=[scheduler for one in heard for scheduler in one.schedulers],
        secrets_missing=_missing(heard),
        problems=list(
            dict.fromkeys(told for one in heard for told in one.documents.first_problems)
        ),
        why_silent=why_silent,
        scraped=len(scraped),
        scrapers=sorted({one.by[:_LONGEST_SCRAPER] or "somebody" for one in scraped}),
    )


def _failing(one: Answer) -> Iterator[Failing]:
    """Go through what fails: targets, this node by the first of its collectors that does, zones."""
    yield from one.failing
    for down in [collector for collector in one.collectors if collector.reason is not None][:1]:
        yield Failing(down.node, down.reason, down.message, down.watts, down.failing_for_s)
    for grid in one.grids:
        if grid.reason is not None:
            yield Failing(grid.zone, grid.reason, grid.message, None, grid.failing_for_s)


def _missing(heard: Iterable[Answer]) -> list[MissingSecret]:
    found: dict[tuple[str, str], MissingSecret] = {}
    for missing in (missing for one in heard for missing in one.secrets_missing):
        key = (missing.secret, missing.key)
        before = found.get(key)
        wanted = missing.affected_targets + (before.affected_targets if before else 0)
        found[key] = MissingSecret(
            *key, before.first_reference if before else missing.first_reference, wanted
        )
    return list(found.values())
