"""Metrics of a scheduler: which families are exposed."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.model import Model


class PerJob(Model, frozen=True, kw_only=True):
    """Series of each job; their number grows with that of the jobs."""

    enabled: Annotated[
        bool | None, Meta(description="Serve series of each job. Default: false.")
    ] = None
    max: Annotated[
        Annotated[int, Meta(ge=1, le=100_000)] | None,
        Meta(
            description="Maximum number of jobs with their own series, those with the most "
            "resources first. All others are the job `other`, so that sums remain "
            "exact. Default: 1000."
        ),
    ] = None


class SchedulerMetrics(Model, frozen=True, kw_only=True):
    """The metrics of a scheduler beside those of nodes. What none of them needs is not polled."""

    jobs: Annotated[
        bool | None,
        Meta(description="Jobs by state, their pending reasons and waiting times. Default: true."),
    ] = None
    partitions: Annotated[
        bool | None,
        Meta(
            description="Jobs and their resources, by partition; of Slurm also the state, the "
            "nodes and the limits of each partition. Default: true."
        ),
    ] = None
    users: Annotated[
        bool | None, Meta(description="Jobs and their resources, by user. Default: true.")
    ] = None
    accounts: Annotated[
        bool | None, Meta(description="Jobs and their resources, by account. Default: true.")
    ] = None
    licenses: Annotated[
        bool | None,
        Meta(description="Licences: total, used, free and reserved. Only Slurm. Default: false."),
    ] = None
    diagnostics: Annotated[
        bool | None,
        Meta(
            description="Diagnostics of the scheduler's daemon: its cycles, its queues, and its "
            "RPCs by user and type, those of this exporter among them. Only Slurm. Default: false."
        ),
    ] = None
    limits: Annotated[
        bool | None,
        Meta(
            description="Limits of accounts, users and QOS: CPUs, memory, nodes, generic "
            "resources, jobs. Read every ten minutes. Only Slurm, from slurmdbd. Default: false."
        ),
    ] = None
    limit_usage: Annotated[
        bool | None,
        Meta(
            description="How much of their limits accounts, users and QOS use. Read every minute. "
            "Only Slurm by commands: slurmrestd does not report it. Default: false."
        ),
    ] = None
    fairshare: Annotated[
        bool | None,
        Meta(
            description="Fair shares of accounts and users: shares, usage, level, factor. Read "
            "every five minutes. Only Slurm with slurmdbd. Default: false."
        ),
    ] = None
    reservations: Annotated[
        bool | None,
        Meta(
            description="Reservations: when, of what, and for which users. Only Slurm. "
            "Default: false."
        ),
    ] = None
    per_job: PerJob | None = None
    gpu_weight: Annotated[
        Annotated[float, Meta(ge=0, le=100_000)] | None,
        Meta(
            description="How many CPUs a GPU counts for where the power of a node is divided among "
            "users, accounts and partitions. Default: 64."
        ),
    ] = None
    exclude: Annotated[
        Annotated[str, Meta(min_length=1, max_length=1_000)] | None,
        Meta(
            description="A regular expression such as `.*_memory_bytes`; families of the scheduler "
            "whose whole name matches are not exposed. Default: none."
        ),
    ] = None
