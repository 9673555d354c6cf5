"""Diagnostics of a scheduler's daemon: its queues, its cycles, and the requests it serves.

Times are in whole microseconds, as Slurm counts them, so that their sums stay exact. Counters are
those of the daemon: they begin again with it, and some of them each day.
"""

from collections.abc import Mapping

import msgspec

from rackwatt_exporter.schedulers.model.fields import Count, Name, Time, Word

Counts = Mapping[Word, Count]


class Requests(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The RPCs of one type, or of one user; `number` is that of the type, or the user's uid."""

    name: Name
    count: Count
    time_us: Count
    number: Count | None = None


class Cycles(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The cycles of one scheduling algorithm; None was not reported.

    `queue_length` is how many jobs the last one looked at. `exits` are why cycles ended.
    """

    count: Count | None = None
    last_us: Count | None = None
    max_us: Count | None = None
    mean_us: Count | None = None
    sum_us: Count | None = None
    queue_length: Count | None = None
    exits: Counts = {}

    @property
    def spent_us(self) -> int | None:
        """The time of all of them, from their mean where no sum was reported."""
        if self.sum_us is not None:
            return self.sum_us
        if self.count == 0:
            return 0
        return None if self.count is None or self.mean_us is None else self.count * self.mean_us


class Backfill(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What backfilling did: since the daemon began, and in its last cycle."""

    jobs: Count | None = None
    het_jobs: Count | None = None
    last_depth: Count | None = None
    last_tried_depth: Count | None = None
    table_size: Count | None = None


class Diagnostics(msgspec.Struct, frozen=True, omit_defaults=True):
    """The diagnostics of one daemon; None was not reported.

    `since_s` is since when the counters of jobs and cycles count. `jobs` are how many were
    submitted, started, completed, cancelled and failed since then.
    """

    threads: Count | None = None
    agents: Count | None = None
    agent_threads: Count | None = None
    agent_queue: Count | None = None
    dbd_agent_queue: Count | None = None
    since_s: Time | None = None
    jobs: Counts = {}
    main: Cycles = Cycles()
    backfill: Cycles = Cycles()
    backfilled: Backfill = Backfill()
    rpcs_by_type: tuple[Requests, ...] = ()
    rpcs_by_user: tuple[Requests, ...] = ()
