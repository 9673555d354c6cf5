"""Families of prometheus-slurm-exporter beside nodes and jobs: licences, diagnostics.

Times of RPCs and cycles are in microseconds, as they were there.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.schedulers.model.diagnostics import Diagnostics
from rackwatt_exporter.schedulers.model.license import License
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.slurm_families import family


class LicenseFamilies(NamedTuple):
    """Families of a licence, by its name."""

    total: MetricFamily
    used: MetricFamily
    free: MetricFamily
    reserved: MetricFamily
    last_consumed: MetricFamily
    last_deficit: MetricFamily


LICENSE = LicenseFamilies(
    family("slurm_lic_total", "Number of licences that there are.", "name"),
    family("slurm_lic_used", "Number of licences that jobs hold.", "name"),
    family("slurm_lic_free", "Number of licences that jobs may have now.", "name"),
    family("slurm_lic_reserved", "Number of licences that reservations hold.", "name"),
    family(
        "slurm_lic_last_consumed", "Number in use at the last report of the licence server.", "name"
    ),
    family(
        "slurm_lic_last_deficit", "Number lacked at the last report of the licence server.", "name"
    ),
)
USER_RPCS = family("slurm_rpc_user_count", "Number of RPCs of the user.", "user")
USER_RPC_TIME = family(
    "slurm_rpc_user_total_time", "Microseconds that slurmctld spent on RPCs of the user.", "user"
)
TYPE_RPCS = family("slurm_rpc_msg_type_count", "Number of RPCs of the type.", "type")
TYPE_RPC_MEAN = family(
    "slurm_rpc_msg_type_avg_time", "Mean microseconds that an RPC of the type took.", "type"
)
TYPE_RPC_TIME = family(
    "slurm_rpc_msg_type_total_time",
    "Microseconds that slurmctld spent on RPCs of the type.",
    "type",
)
THREADS = family("slurm_daemon_thread_count", "Number of threads of slurmctld that serve RPCs.")
DBD_QUEUE = family(
    "slurm_dbd_agent_queue_size", "Number of records that wait to be sent to slurmdbd."
)
BACKFILLED = family(
    "slurm_backfill_job_count", "Number of jobs that backfilling started since slurmctld started."
)
BACKFILL_CYCLES = family(
    "slurm_backfill_cycle_counter", "Number of backfill cycles since the counters were set back."
)
BACKFILL_TIME = family(
    "slurm_backfill_cycle_count", "Microseconds of all backfill cycles; the name is the older one."
)
BACKFILL_DEPTH = family(
    "slurm_backfill_last_depth", "Number of jobs that the last backfill cycle looked at."
)
BACKFILL_TRIED = family(
    "slurm_backfill_last_depth_try_sched",
    "Number of jobs that the last backfill cycle tried to start.",
)
FAMILIES = (
    *LICENSE, USER_RPCS, USER_RPC_TIME, TYPE_RPCS, TYPE_RPC_MEAN, TYPE_RPC_TIME, THREADS, DBD_QUEUE,
    BACKFILLED, BACKFILL_CYCLES, BACKFILL_TIME, BACKFILL_DEPTH, BACKFILL_TRIED,
)  # fmt: skip

_Amount = tuple[MetricFamily, tuple[str, ...], float | None]


def samples(snapshot: SchedulerSnapshot) -> Iterator[Sample]:
    """Go through the samples; what was not reported has none.

    Pools of one licence add up, since these names have no label that distinguishes them.
    """
    licenses: defaultdict[tuple[MetricFamily, tuple[str, ...]], float] = defaultdict(int)
    for one in snapshot.licenses or ():
        for total, labels, number in _of_license(one):
            if number is not None:
                licenses[total, labels] += number
    for (total, labels), number in licenses.items():
        yield Sample(total, labels, number)
    if snapshot.diagnostics is not None:
        for gauge, labels, reported in _of_daemon(snapshot.diagnostics):
            if reported is not None:
                yield Sample(gauge, labels, reported)


def _of_license(one: License) -> Iterator[_Amount]:
    yield LICENSE.total, (one.name,), one.total
    yield LICENSE.used, (one.name,), one.used
    yield LICENSE.free, (one.name,), one.free
    yield LICENSE.reserved, (one.name,), one.reserved
    yield LICENSE.last_consumed, (one.name,), one.last_consumed
    yield LICENSE.last_deficit, (one.name,), one.last_deficit


def _of_daemon(daemon: Diagnostics) -> Iterator[_Amount]:
    yield THREADS, (), daemon.threads
    yield DBD_QUEUE, (), daemon.dbd_agent_queue
    yield BACKFILLED, (), daemon.backfilled.jobs
    yield BACKFILL_CYCLES, (), daemon.backfill.count
    yield BACKFILL_TIME, (), daemon.backfill.spent_us
    yield BACKFILL_DEPTH, (), daemon.backfilled.last_depth
    yield BACKFILL_TRIED, (), daemon.backfilled.last_tried_depth
    for row in daemon.rpcs_by_user:
        yield USER_RPCS, (row.name,), row.count
        yield USER_RPC_TIME, (row.name,), row.time_us
    for row in daemon.rpcs_by_type:
        yield TYPE_RPCS, (row.name,), row.count
        yield TYPE_RPC_TIME, (row.name,), row.time_us
        yield TYPE_RPC_MEAN, (row.name,), row.time_us // row.count if row.count else None
