"""Limit of an account, or of one user in it, at one moment, as a scheduler enforces it."""

from typing import Annotated

import msgspec
from msgspec import Meta

from rackwatt_exporter.schedulers.model.fields import Count, Name, Text
from rackwatt_exporter.schedulers.model.resources import MAX_GRES, Gres


class Limit(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The limits of an account, or of a `user` in it; None is no limit.

    `partition` is not empty where they are for jobs of that partition alone. `parent` is the
    account that an account belongs to: its own limits hold for both.

    CPUs, memory, nodes, `gres` and the two counts of jobs are for all jobs together: those that
    run, and with `submitted_jobs` those that wait, too. The two counts per user hold for each user
    by itself. A generic resource may have a limit of each type and one more of all, without a type:
    unlike those of Resources, they do not add up.
    """

    account: Name
    user: Text = ""
    partition: Text = ""
    parent: Text = ""
    cpus: Count | None = None
    memory_bytes: Count | None = None
    nodes: Count | None = None
    gres: Annotated[tuple[Gres, ...], Meta(max_length=MAX_GRES)] = ()
    running_jobs: Count | None = None
    submitted_jobs: Count | None = None
    running_jobs_per_user: Count | None = None
    submitted_jobs_per_user: Count | None = None
