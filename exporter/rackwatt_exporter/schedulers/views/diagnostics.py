"""Families of a scheduler's daemon: its queues, its cycles and its RPCs, our own among them.

Counters are those of the daemon itself. It sets them back when it starts; those of cycles and of
jobs, Slurm sets back each midnight (UTC), and all of them with `sdiag -r`. To Prometheus that is a
counter that was reset, as after any restart. We add nothing up: a sum of ours would be lost with
our own restart, and then be taken for a reset that never was.
"""

from collections.abc import Iterable, Iterator

from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.schedulers.model.diagnostics import Cycles, Diagnostics, Requests
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.render import SCHEDULER_LABELS

_US = 1_000_000


def _gauge(name: str, help_text: str, *labels: str, unit: str = "") -> MetricFamily:
    full = f"rackwatt_scheduler_{name}"
    return MetricFamily(full, "gauge", help_text, (*SCHEDULER_LABELS, *labels), unit)


def _counter(name: str, help_text: str, *labels: str, unit: str = "") -> MetricFamily:
    full = f"rackwatt_scheduler_{name}_total"
    return MetricFamily(full, "counter", help_text, (*SCHEDULER_LABELS, *labels), unit)


THREADS = _gauge("daemon_threads", "Number of threads of the daemon that serve requests now.")
AGENTS = _gauge("agents", "Number of agents, which send requests of the daemon to nodes.")
AGENT_THREADS = _gauge("agent_threads", "Number of threads of the agents.")
AGENT_QUEUE = _gauge("agent_queue_size", "Number of requests to nodes that wait to be sent.")
DBD_QUEUE = _gauge(
    "dbd_agent_queue_size", "Number of records that wait to be sent to the accounting database."
)
SINCE = _gauge(
    "statistics_start_timestamp_seconds",
    "Unix time since which the daemon counts jobs and cycles.",
    unit="seconds",
)
JOBS = _counter(
    "daemon_jobs", "Number of jobs that were submitted, started, completed and so on.", "event"
)
CYCLES = _counter("cycles", "Number of cycles of the scheduling algorithm.", "algorithm")
CYCLE_SECONDS = _counter(
    "cycle_seconds",
    "Time of all cycles of the scheduling algorithm, where the scheduler reports the sum.",
    "algorithm",
    unit="seconds",
)
CYCLE_LAST = _gauge("cycle_last_seconds", "Time of the last cycle.", "algorithm", unit="seconds")
CYCLE_MAX = _gauge("cycle_max_seconds", "Time of the longest cycle.", "algorithm", unit="seconds")
CYCLE_MEAN = _gauge("cycle_mean_seconds", "Mean time of a cycle.", "algorithm", unit="seconds")
CYCLE_QUEUE = _gauge(
    "cycle_queue_length", "Number of jobs that waited at the last cycle.", "algorithm"
)
EXITS = _counter("cycle_exits", "Number of cycles by why they ended.", "algorithm", "reason")
BACKFILLED = _counter("backfilled_jobs", "Number of jobs that backfilling started.")
BACKFILLED_HET = _counter(
    "backfilled_het_components", "Number of components of heterogeneous jobs that it started."
)
DEPTH = _gauge("backfill_last_depth", "Number of jobs that the last backfill cycle looked at.")
TRIED_DEPTH = _gauge(
    "backfill_last_tried_depth", "Number of jobs that the last backfill cycle tried to start."
)
TABLE = _gauge("backfill_table_size", "Number of records of time in the backfill table.")
TYPE_REQUESTS = _counter("rpc_requests", "Number of RPCs of each type.", "type")
TYPE_SECONDS = _counter(
    "rpc_seconds", "Time that the daemon spent on RPCs of each type.", "type", unit="seconds"
)
USER_REQUESTS = _counter("user_rpc_requests", "Number of RPCs of each user.", "user")
USER_SECONDS = _counter(
    "user_rpc_seconds", "Time that the daemon spent on RPCs of each user.", "user", unit="seconds"
)
OWN_REQUESTS = _counter("own_rpc_requests", "Number of RPCs of the user that this exporter is.")
OWN_SECONDS = _counter(
    "own_rpc_seconds",
    "Time that the daemon spent on RPCs of the user that this exporter is.",
    unit="seconds",
)
OWN_RATIO = _gauge(
    "own_rpc_time_ratio",
    "Share of the time spent on all RPCs that was on those of the user that this exporter is.",
    unit="ratio",
)
FAMILIES = (
    THREADS, AGENTS, AGENT_THREADS, AGENT_QUEUE, DBD_QUEUE, SINCE, JOBS, CYCLES, CYCLE_SECONDS,
    CYCLE_LAST, CYCLE_MAX, CYCLE_MEAN, CYCLE_QUEUE, EXITS, BACKFILLED, BACKFILLED_HET, DEPTH,
    TRIED_DEPTH, TABLE, TYPE_REQUESTS, TYPE_SECONDS, USER_REQUESTS, USER_SECONDS, OWN_REQUESTS,
    OWN_SECONDS, OWN_RATIO,
)  # fmt: skip

_Number = tuple[MetricFamily, tuple[str, ...], float | None]


def samples(snapshot: SchedulerSnapshot) -> Iterator[Sample]:
    """Go through the samples of the daemon; what was not reported has none."""
    if snapshot.diagnostics is None:
        return
    for family, labels, number in _numbers(snapshot.diagnostics, snapshot.user):
        if number is not None:
            yield Sample(family, labels, number)


def _numbers(daemon: Diagnostics, user: str) -> Iterator[_Number]:
    yield THREADS, (), daemon.threads
    yield AGENTS, (), daemon.agents
    yield AGENT_THREADS, (), daemon.agent_threads
    yield AGENT_QUEUE, (), daemon.agent_queue
    yield DBD_QUEUE, (), daemon.dbd_agent_queue
    yield SINCE, (), daemon.since_s
    for event, count in daemon.jobs.items():
        yield JOBS, (event,), count
    yield from _cycles("main", daemon.main)
    yield from _cycles("backfill", daemon.backfill)
    yield BACKFILLED, (), daemon.backfilled.jobs
    yield BACKFILLED_HET, (), daemon.backfilled.het_jobs
    yield DEPTH, (), daemon.backfilled.last_depth
    yield TRIED_DEPTH, (), daemon.backfilled.last_tried_depth
    yield TABLE, (), daemon.backfilled.table_size
    yield from _requests(TYPE_REQUESTS, TYPE_SECONDS, daemon.rpcs_by_type)
    yield from _requests(USER_REQUESTS, USER_SECONDS, daemon.rpcs_by_user)
    yield from _own(daemon.rpcs_by_user, user)


def _cycles(algorithm: str, cycles: Cycles) -> Iterator[_Number]:
    yield CYCLES, (algorithm,), cycles.count
    yield CYCLE_SECONDS, (algorithm,), _seconds(cycles.sum_us)
    yield CYCLE_LAST, (algorithm,), _seconds(cycles.last_us)
    yield CYCLE_MAX, (algorithm,), _seconds(cycles.max_us)
    yield CYCLE_MEAN, (algorithm,), _seconds(cycles.mean_us)
    yield CYCLE_QUEUE, (algorithm,), cycles.queue_length
    for reason, count in cycles.exits.items():
        yield EXITS, (algorithm, reason), count


def _requests(
    count: MetricFamily, seconds: MetricFamily, rows: Iterable[Requests]
) -> Iterator[_Number]:
    for row in rows:
        yield count, (row.name,), row.count
        yield seconds, (row.name,), _seconds(row.time_us)


def _own(rows: Iterable[Requests], user: str) -> Iterator[_Number]:
    """Go through what a user costs; nothing of one that is not in the table."""
    whole_us = sum(row.time_us for row in rows)
    for row in rows:
        if user and user in (row.name, str(row.number)):
            yield OWN_REQUESTS, (), row.count
            yield OWN_SECONDS, (), _seconds(row.time_us)
            yield OWN_RATIO, (), row.time_us / whole_us if whole_us else None


def _seconds(time_us: int | None) -> float | None:
    return None if time_us is None else time_us / _US
