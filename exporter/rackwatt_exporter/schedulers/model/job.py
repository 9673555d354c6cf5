"""One job as a scheduler reports it."""

from typing import Annotated

import msgspec
from msgspec import Meta

from rackwatt_exporter.printable import printable
from rackwatt_exporter.schedulers.model.fields import (
    MAX_REASON,
    Name,
    Names,
    Text,
    Time,
    Word,
    Words,
)
from rackwatt_exporter.schedulers.model.resources import Resources

MAX_TASKS = 2**31
MAX_NODES = 200_000


class Job(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One job, or the tasks of an array that wait: these are one record, and `tasks` counts them.

    `id` is the name that users know it by, such as `8_3`, `4+1` or `1147579.pbs01`. `number` is the
    id that its processes have in their environment (SLURM_JOB_ID), where that differs. `array` and
    `het` are the ids of the array and of the heterogeneous job that it is a part of. `state` is a
    word of job_state.py, and `flags` are the scheduler's other words. An empty text was not
    reported. `partitions` are several only of a job that waits: it may start in any of them.

    `started_at_s` and `ended_at_s` are what has happened, not what is planned; all times are Unix
    times. `requested` is what it waits for, and `allocated` what it holds now: both are of one
    task. `nodes` are those that it holds; `per_node` is what it holds of each, in the same order,
    and empty where the scheduler reports the total alone. `features` are those of nodes that its
    constraint names, whether it wants all of them or any.
    """

    id: Name
    state: Word
    flags: Words = ()
    tasks: Annotated[int, Meta(ge=1, le=MAX_TASKS)] = 1
    array: Text = ""
    het: Text = ""
    user: Text = ""
    account: Text = ""
    qos: Text = ""
    partitions: Names = ()
    reason: str = ""
    submitted_at_s: Time | None = None
    started_at_s: Time | None = None
    ended_at_s: Time | None = None
    requested: Resources | None = None
    allocated: Resources | None = None
    nodes: Annotated[tuple[Name, ...], Meta(max_length=MAX_NODES)] = ()
    per_node: Annotated[tuple[Resources, ...], Meta(max_length=MAX_NODES)] = ()
    features: Names = ()
    number: Text = ""

    def __post_init__(self) -> None:
        if self.reason:
            msgspec.structs.force_setattr(self, "reason", printable(self.reason, MAX_REASON))
