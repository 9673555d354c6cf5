"""Numbers of nodes and jobs, of a scheduler that counts them and lists neither.

They are by base state, of which each node and each job has one: what keeps an idle node from work
is a flag beside it. Our own word for a state is made of both together, so that it is not known
here: of nine nodes whose base state is idle, eight may be drained.
"""

from collections.abc import Mapping

import msgspec

from rackwatt_exporter.schedulers.model.fields import Count, Name, Word

Counts = Mapping[Word, Count]


class Numbers(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many nodes and jobs there are; each task of an array is a job.

    `nodes` and `jobs` are by base state, and add up to all of them. `node_flags` and `job_flags`
    are how many have a flag, of which they may have several. Jobs of users, accounts and
    partitions are by base state, without those of which there is none; None was not read.
    """

    nodes: Counts
    node_flags: Counts
    jobs: Counts
    job_flags: Counts
    users: Mapping[Name, Counts] | None = None
    accounts: Mapping[Name, Counts] | None = None
    partitions: Mapping[Name, Counts] | None = None
