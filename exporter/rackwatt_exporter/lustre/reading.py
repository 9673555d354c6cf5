"""Reading of Lustre's I/O, and the jobs that it is joined with."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from rackwatt_exporter.lustre.join import Sums
from rackwatt_exporter.lustre.queries import Measure
from rackwatt_exporter.reading import ReadError
from rackwatt_exporter.schedulers.model.job import Job


class KnownJobs(NamedTuple):
    """The jobs of a scheduler's snapshot, and when it was taken, in monotonic seconds."""

    jobs: tuple[Job, ...]
    at_s: float


@dataclass(frozen=True, slots=True)
class LustreReading:
    """What one reading came to.

    `sums` has the measures whose queries succeeded, `stages` the seconds that each stage took.
    `jobids` counts job ids by what they are of (join.count_owners). `unread` samples could not be
    read. `error` says why a part is missing, and `note` what may be incomplete.
    """

    sums: Mapping[Measure, Sums]
    stages: Mapping[str, float]
    jobids: Counter[str]
    unread: int = 0
    note: str = ""
    error: ReadError | None = None
