"""The `/status` of collectors (docs/web.md), as far as the status of a resource needs it.

The input is untrusted: a response with a value of a wrong type or out of range is dropped whole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

_SCRAPED_S = 600.0
"""Age of the last scrape up to which a collector counts as scraped: intervals are shorter."""
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
    """A target, a node measured from inside, or a zone that fails; `node` is its name."""

    node: str
    reason: _Reason | None = None
    message: str | None = None
    watts: _Watts | None = None
    failing_for_s: _Seconds | None = None


class Unmatched(msgspec.Struct, frozen=True):
    """Node names that only one side has: their number, and the first of them."""

    targets: _Count = 0
    first_targets: list[str] = []
    nodes: _Count = 0
    first_nodes: list[str] = []


class Scheduler(msgspec.Struct, frozen=True):
    """A scheduler as its collector reports it."""

    name: str
    up: bool = False
    version: str | None = None
    age_s: _Seconds | None = None
    nodes: dict[str, _Count] = {}
    unmatched: Unmatched | None = None
    reason: _Reason | None = None
    message: str | None = None


class LustreStatus(msgspec.Struct, frozen=True):
    """The I/O of a scheduler's jobs on Lustre, as the collector reports it."""

    name: str
    up: bool = False
    reason: _Reason | None = None
    message: str | None = None


class MissingSecret(msgspec.Struct, frozen=True):
    """A missing key of a Secret; `first_reference` is the first target that needs it."""

    secret: str
    key: str
    first_reference: str | None = None
    affected_targets: _Count = 0


class _Documents(msgspec.Struct, frozen=True):
    first_problems: list[str] = []


class _Scraped(msgspec.Struct, frozen=True):
    by: str = ""
    age_s: _Seconds = 0.0


class StatusResponse(msgspec.Struct, frozen=True):
    """One collector's `/status`."""

    scraped: _Scraped | None = None
    targets: _Counts = _Counts()
    failing: list[Failing] = []
    schedulers: list[Scheduler] = []
    lustre: list[LustreStatus] = []
    secrets_missing: list[MissingSecret] = []
    documents: _Documents = _Documents()


@dataclass(frozen=True, slots=True)
class CollectorStatus:
    """The responses of all collectors of a resource, aggregated.

    `polled` is their number, `unreachable` how many of them did not respond, `scraped` how many
    were scraped recently.
    """

    polled: int
    unreachable: int
    configured: int = 0
    reachable: int = 0
    failing: int = 0
    watts: float | None = None
    failing_targets: Sequence[Failing] = ()
    schedulers: Sequence[Scheduler] = ()
    lustre: Sequence[LustreStatus] = ()
    secrets_missing: Sequence[MissingSecret] = ()
    problems: Sequence[str] = ()
    unreachable_reason: str = ""
    scraped: int = 0
    scrapers: Sequence[str] = ()

    @property
    def complete(self) -> bool:
        """Whether every collector responds and has polled all its targets and schedulers."""
        return (
            not self.unreachable
            and self.reachable + self.failing >= self.configured
            and all(one.up or one.reason for one in self.schedulers)
            and all(one.up or one.reason for one in self.lustre)
        )

    def same_outcome(self, other: "CollectorStatus | None") -> bool:
        """Return whether both lead to the same conditions; measured values and times may differ."""
        return other is not None and self._outcome() == other._outcome()

    def _outcome(self) -> object:
        counts = (self.polled, self.unreachable, self.configured, self.reachable, self.failing)
        schedulers = [
            (one.name, one.up, one.reason, one.unmatched and one.unmatched.targets)
            for one in self.schedulers
        ]
        lustre = [(one.name, one.up, one.reason) for one in self.lustre]
        scraped = (self.scraped, self.scrapers)
        return (
            counts,
            schedulers,
            lustre,
            scraped,
            self.secrets_missing,
            self.problems,
            self.unreachable_reason,
        )


def parse(body: bytes) -> StatusResponse | None:
    """Parse a collector's response; return None if it is invalid."""
    try:
        return msgspec.json.decode(body, type=StatusResponse)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def aggregate(
    answers: Sequence[StatusResponse | None], most_worst: int, why_silent: str = ""
) -> CollectorStatus:
    """Aggregate responses; None is a collector that did not respond, `unreachable_reason` why."""
    valid = [one for one in answers if one is not None]
    counts = [one.targets for one in valid]
    failing = sorted(
        (down for one in valid for down in one.failing),
        key=lambda one: (-(one.failing_for_s or 0.0), one.node),
    )
    scraped = [one.scraped for one in valid if one.scraped and one.scraped.age_s <= _SCRAPED_S]
    watts = [count.watts for count in counts if count.watts is not None]
    return CollectorStatus(
        polled=len(answers),
        unreachable=len(answers) - len(valid),
        configured=sum(count.configured for count in counts),
        reachable=sum(count.reachable for count in counts),
        failing=sum(count.failing for count in counts),
        watts=sum(watts) if watts else None,
        failing_targets=failing[:most_worst],
        schedulers=[scheduler for one in valid for scheduler in one.schedulers],
        lustre=[lustre for one in valid for lustre in one.lustre],
        secrets_missing=_missing(valid),
        problems=list(
            dict.fromkeys(problem for one in valid for problem in one.documents.first_problems)
        ),
        unreachable_reason=why_silent,
        scraped=len(scraped),
        scrapers=sorted({one.by[:_LONGEST_SCRAPER] or "an unknown client" for one in scraped}),
    )


def _missing(valid: Iterable[StatusResponse]) -> list[MissingSecret]:
    merged: dict[tuple[str, str], MissingSecret] = {}
    for missing in (missing for one in valid for missing in one.secrets_missing):
        key = (missing.secret, missing.key)
        before = merged.get(key)
        wanted = missing.affected_targets + (before.affected_targets if before else 0)
        merged[key] = MissingSecret(
            *key, before.first_reference if before else missing.first_reference, wanted
        )
    return list(merged.values())
