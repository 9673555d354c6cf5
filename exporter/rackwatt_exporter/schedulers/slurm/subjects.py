"""The subjects of Slurm, and what reads those that a document wants.

Each is one command or one request. It is read after nodes and jobs, under the deadline of the same
poll, and fails by itself: its field of the snapshot is then None, not known, and the note says why.
One that hangs takes no more than its share of the time that is left, so that those behind it are
read too. What it came to is kept for as long as its rhythm says, be it good or empty; an error for
no more than a minute, so that a slow rhythm does not keep it for long after its cause is gone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import NamedTuple

import msgspec

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.diagnostics import DIAGNOSTICS
from rackwatt_exporter.schedulers.slurm.fair_shares import FAIR_SHARES
from rackwatt_exporter.schedulers.slurm.licenses import LICENSES
from rackwatt_exporter.schedulers.slurm.limit_usage import LIMIT_USAGE
from rackwatt_exporter.schedulers.slurm.limits import LIMITS
from rackwatt_exporter.schedulers.slurm.partitions import PARTITIONS
from rackwatt_exporter.schedulers.slurm.qos_limits import QOS_LIMITS
from rackwatt_exporter.schedulers.slurm.reservations import RESERVATIONS
from rackwatt_exporter.schedulers.slurm.subject import Parsed, SlurmSubject

# Those of slurmctld first: slurmdbd, which the last three are read from, may be slow.
SUBJECTS = (
    PARTITIONS, LICENSES, RESERVATIONS, DIAGNOSTICS, LIMIT_USAGE, LIMITS, QOS_LIMITS, FAIR_SHARES,
)  # fmt: skip
_FAILED_AGAIN_S = 60.0
# A poll that comes a little early counts: else a rhythm of two intervals would be one of three.
_EARLY = 0.1

# Reads a subject within so many seconds, or raises ReadError.
Ask = Callable[[SlurmSubject, float], Awaitable[Parsed]]


class _Kept(NamedTuple):
    read_at_s: float
    parsed: Parsed


def wanted(options: Collection[str]) -> Sequence[SlurmSubject]:
    """Return the subjects that fields of spec.metrics ask for."""
    return [subject for subject in SUBJECTS if subject.option in options]


class SubjectReader:
    """Some subjects of one Slurm, and what each of them last came to."""

    def __init__(self, subjects: Sequence[SlurmSubject], ask: Ask) -> None:
        self._subjects = subjects
        self._ask = ask
        self._kept: dict[str, _Kept] = {}

    async def complete(self, snapshot: SchedulerSnapshot, deadline_s: float) -> SchedulerSnapshot:
        """Return a snapshot with the subjects, those that are due read until a time of the loop."""
        if not self._subjects:
            return snapshot
        clock = asyncio.get_running_loop().time
        due = [subject for subject in self._subjects if self._is_due(subject, clock())]
        for left, subject in zip(range(len(due), 0, -1), due, strict=True):
            started_s = clock()
            parsed = await self._read(subject, max(0.0, deadline_s - started_s) / left)
            self._kept[subject.field] = _Kept(started_s, parsed)
        return self._added(snapshot)

    def _is_due(self, subject: SlurmSubject, now_s: float) -> bool:
        kept = self._kept.get(subject.field)
        if kept is None:
            return True
        failed = kept.parsed.value is None
        every_s = min(subject.every_s, _FAILED_AGAIN_S) if failed else subject.every_s
        return now_s - kept.read_at_s >= (1 - _EARLY) * every_s

    async def _read(self, subject: SlurmSubject, timeout_s: float) -> Parsed:
        try:
            if timeout_s <= 0:
                raise ReadError(Reason.TIMEOUT, "nodes and jobs took all of the time")
            return await self._ask(subject, timeout_s)
        except ReadError as error:
            return _unknown(subject, f"{error.reason}: {error}")

    def _added(self, snapshot: SchedulerSnapshot) -> SchedulerSnapshot:
        """Return a snapshot with all that is kept; what its nodes make doubtful is not known."""
        values, notes = {}, [snapshot.note]
        for subject in self._subjects:
            parsed = _checked(subject, self._kept[subject.field].parsed, snapshot)
            values[subject.field] = parsed.value
            notes.append(parsed.note)
        note = "; ".join(filter(None, notes))
        return msgspec.structs.replace(snapshot, note=note, **values)


def _checked(subject: SlurmSubject, parsed: Parsed, snapshot: SchedulerSnapshot) -> Parsed:
    """Return what was parsed, or that it is not known where it cannot be true beside the nodes."""
    if parsed.value is None or subject.doubt is None:
        return parsed
    doubt = subject.doubt(parsed.value, snapshot)
    return _unknown(subject, doubt) if doubt else parsed


def _unknown(subject: SlurmSubject, why: str) -> Parsed:
    return Parsed(note=f"{subject.noun} are not known: {why}")
