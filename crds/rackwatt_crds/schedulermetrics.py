"""Which metrics are made of what a scheduler reports."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.model import Model


class PerJob(Model, frozen=True, kw_only=True):
    """Series of each job: as many more as there are jobs."""

    enabled: Annotated[
        bool | None, Meta(description="Serve series of each job. Default: false.")
    ] = None
    max: Annotated[
        Annotated[int, Meta(ge=1, le=100_000)] | None,
        Meta(
            description="Maximum number of jobs with series of their own; those that hold the "
            "most come first, and all others are the job `other`, so that sums stay "
            "exact. Default: 1000."
        ),
    ] = None


class SchedulerMetrics(Model, frozen=True, kw_only=True):
    """The metrics of a scheduler's jobs. With all of them off, jobs are not polled."""

    jobs: Annotated[
        bool | None,
        Meta(description="Jobs by state, reasons to wait, waiting times. Default: true."),
    ] = None
    partitions: Annotated[
        bool | None,
        Meta(description="Jobs and what they hold, by partition. Default: true."),
    ] = None
    users: Annotated[
        bool | None, Meta(description="Jobs and what they hold, by user. Default: true.")
    ] = None
    accounts: Annotated[
        bool | None, Meta(description="Jobs and what they hold, by account. Default: true.")
    ] = None
    per_job: PerJob | None = None
    exclude: Annotated[
        Annotated[str, Meta(min_length=1, max_length=1_000)] | None,
        Meta(
            description="A regular expression; families of the scheduler whose whole name it "
            "matches are not served, such as `.*_memory_bytes`. Default: none."
        ),
    ] = None
