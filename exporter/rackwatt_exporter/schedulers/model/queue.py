"""One queue of a scheduler, which Slurm calls a partition: what it takes, and what it has."""

import msgspec

from rackwatt_exporter.schedulers.model.fields import Count, Name, Word
from rackwatt_exporter.schedulers.model.resources import Resources


class Queue(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One queue; None was not reported.

    `state` is the scheduler's own word in lower case. Of Slurm's, an `up` one takes jobs and starts
    them, a `drain` one only starts those it has, a `down` one only takes them, and an `inactive`
    one does neither. `nodes` and `total` are what all its nodes have together. A job may run for
    `max_time_s` and on `max_nodes` at most: None also where there is no limit.
    """

    name: Name
    state: Word | None = None
    nodes: Count | None = None
    total: Resources | None = None
    max_time_s: Count | None = None
    max_nodes: Count | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """The name."""
        return (self.name,)
