"""Counts of nodes, jobs, partitions and slurmctld itself, from the text of its metrics.

Slurm 25.11 and newer (https://slurm.schedmd.com/metrics.html). Names of families were read from
slurmctld 26.05.5. Where its words and its numbers differ, the numbers count:

- `slurm_nodes_drain` leaves out nodes that `_drained` and `_draining` have: these two are summed.
- `slurm_jobs` counts tasks of arrays that wait, `slurm_user_jobs` does not: both are passed over.
- Values of `_bytes` are mebibytes, and nothing says whether they stay so: memory is not read.
- GPUs are 0 as well where Slurm does not account for them: 0 is not known.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.diagnostics import Backfill, Cycles, Diagnostics
from rackwatt_exporter.schedulers.model.fields import MAX_COUNT, name
from rackwatt_exporter.schedulers.model.job_state import JobState
from rackwatt_exporter.schedulers.model.node_state import NodeState
from rackwatt_exporter.schedulers.model.queue import Queue
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.model.snapshot import MAX_UNREAD
from rackwatt_exporter.schedulers.slurm.jobs import time_s

# One sample of a family without labels, or with one; a value is a whole number.
_SAMPLE = re.compile(
    rb'^(slurm_[a-z_]+)(?:\{[a-z]+="((?:[^"\\\n]|\\.)*)"\})? ([0-9]{1,19})$', re.MULTILINE
)
_TOTAL = re.compile(rb"^(slurm_[a-z_]+) ([0-9]{1,19})$", re.MULTILINE)
_ESCAPED = re.compile(r'\\([\\"n])')
_NODE_BASES = {
    "alloc": NodeState.ALLOCATED,
    "down": NodeState.DOWN,
    "future": NodeState.FUTURE,
    "idle": NodeState.IDLE,
    "mixed": NodeState.MIXED,
    "unknown": NodeState.UNKNOWN,
}
_NODE_FLAGS = {
    "blocked": "blocked",
    "cloud": "cloud",
    "completing": "completing",
    "drained": "drain",
    "draining": "drain",
    "dyn_future": "dynamic_future",
    "dyn_normal": "dynamic_norm",
    "external": "external",
    "fail": "fail",
    "invalid_reg": "invalid_reg",
    "maint": "maintenance",
    "noresp": "not_responding",
    "planned": "planned",
    "power_down": "power_down",
    "power_up": "power_up",
    "powered_down": "powered_down",
    "powering_up": "powering_up",
    "reboot_issued": "reboot_issued",
    "reboot_req": "reboot_requested",
    "resv": "reserved",
}
_JOB_BASES = {
    "bootfail": JobState.BOOT_FAIL,
    "cancelled": JobState.CANCELLED,
    "completed": JobState.COMPLETED,
    "deadline": JobState.DEADLINE,
    "failed": JobState.FAILED,
    "node_failed": JobState.NODE_FAIL,
    "outofmemory": JobState.OUT_OF_MEMORY,
    "pending": JobState.PENDING,
    "preempted": JobState.PREEMPTED,
    "running": JobState.RUNNING,
    "suspended": JobState.SUSPENDED,
    "timeout": JobState.TIMEOUT,
}
_JOB_FLAGS = {
    "completing": "completing",
    "configuring": "configuring",
    "expediting": "expediting",
    "fed_requeued": "requeue_fed",
    "hold": "hold",
    "powerup_node": "power_up_node",
    "requeued": "requeued",
    "resizing": "resizing",
    "revoked": "revoked",
    "signaling": "signaling",
    "stageout": "stage_out",
}
# Why cycles ended, in the words of sdiag.
_MAIN_EXITS = {
    "end": "end_job_queue",
    "lic": "licenses",
    "max_depth": "default_queue_depth",
    "max_job_start": "max_job_start",
    "rpc_cnt": "max_rpc_cnt",
    "timeout": "max_sched_time",
}
_BACKFILL_EXITS = {
    "end": "end_job_queue",
    "max_job_start": "max_job_start",
    "max_job_test": "max_job_test",
    "state_changed": "state_changed",
    "table_limit": "node_space_size",
    "timeout": "max_time",
}
_JOBS_SINCE = {
    "submitted": "submitted",
    "started": "started",
    "completed": "completed",
    "canceled": "cancelled",
    "failed": "failed",
}


class Samples(NamedTuple):
    """The samples of one answer: of families without labels, and of others by the label's value."""

    totals: Mapping[str, int]
    labelled: Mapping[str, Mapping[str, int]]


class NodeNumbers(NamedTuple):
    """Nodes by base state and by flag; `unread` are in a base state that has no name here."""

    by_base: Mapping[str, int]
    by_flag: Mapping[str, int]
    unread: int


def parse_totals(body: bytes) -> Mapping[str, int]:
    """Read the families without labels, past the many of each node."""
    return {
        match[1].decode(): value
        for match in _TOTAL.finditer(body)
        if (value := int(match[2])) <= MAX_COUNT
    }


def parse_samples(body: bytes) -> Samples:
    """Read every family."""
    totals: dict[str, int] = {}
    labelled: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for match in _SAMPLE.finditer(body):
        family, value = match[1].decode(), int(match[3])
        if value > MAX_COUNT:
            continue
        if match[2] is None:
            totals[family] = value
        elif label := name(_unescaped(match[2].decode("utf-8", "replace"))):
            labelled[family][label] = value
    return Samples(totals, labelled)


def node_numbers(totals: Mapping[str, int]) -> NodeNumbers:
    """Count nodes by base state and by flag.

    Raises:
        ReadError: bad_reply, where these are no metrics of nodes.
    """
    total = _required(totals, "slurm_nodes", "/metrics/nodes")
    by_base = _counts(totals, "slurm_nodes_", _NODE_BASES)
    by_flag = _counts(totals, "slurm_nodes_", _NODE_FLAGS)
    return NodeNumbers(by_base, by_flag, min(MAX_UNREAD, max(0, total - sum(by_base.values()))))


def jobs_by_base(totals: Mapping[str, int]) -> Mapping[str, int]:
    """Count jobs by base state.

    Raises:
        ReadError: bad_reply, where these are no metrics of jobs.
    """
    _required(totals, "slurm_jobs", "/metrics/jobs")
    return _counts(totals, "slurm_jobs_", _JOB_BASES)


def jobs_by_flag(totals: Mapping[str, int]) -> Mapping[str, int]:
    """Count jobs by flag."""
    return _counts(totals, "slurm_jobs_", _JOB_FLAGS)


def jobs_by_label(samples: Samples, group: str) -> Mapping[str, Mapping[str, int]]:
    """Count jobs by base state of each user, account or partition that has any."""
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for word, state in _JOB_BASES.items():
        for label, count in samples.labelled.get(f"slurm_{group}_jobs_{word}", {}).items():
            if count:
                found[label][state] = count
    return dict(found)


def queues(samples: Samples) -> tuple[Queue, ...]:
    """Return each partition; neither its state nor its limits are metrics.

    Raises:
        ReadError: bad_reply, where these are no metrics of partitions.
    """
    _required(samples.totals, "slurm_partitions", "/metrics/partitions")
    nodes, cpus, gpus = (
        samples.labelled.get(f"slurm_partition_{what}", {}) for what in ("nodes", "cpus", "gpus")
    )
    return tuple(
        Queue(one, nodes=nodes[one], total=_total(one, cpus, gpus)) for one in sorted(nodes)
    )


def diagnostics(totals: Mapping[str, int]) -> Diagnostics:
    """Return what slurmctld reports of itself; its RPCs are no metrics.

    Raises:
        ReadError: bad_reply, where these are no metrics of the scheduler.
    """
    threads = _required(totals, "slurm_server_thread_cnt", "/metrics/scheduler")
    numbers = {family.removeprefix("slurm_"): value for family, value in totals.items()}
    return Diagnostics(
        threads=threads,
        agents=numbers.get("agent_cnt"),
        agent_threads=numbers.get("agent_thread_cnt"),
        agent_queue=numbers.get("agent_queue_size"),
        dbd_agent_queue=numbers.get("slurmdbd_queue_size"),
        since_s=time_s(numbers.get("last_proc_req_start", 0)),
        jobs=_counts(numbers, "sdiag_jobs_", _JOBS_SINCE),
        main=_cycles(numbers, "schedule", "sched", _MAIN_EXITS),
        backfill=_cycles(numbers, "bf", "bf", _BACKFILL_EXITS),
        backfilled=Backfill(
            jobs=numbers.get("backfilled_jobs"),
            het_jobs=numbers.get("backfilled_het_jobs"),
            last_depth=numbers.get("bf_last_depth"),
            last_tried_depth=numbers.get("bf_last_depth_try"),
            table_size=numbers.get("bf_table_size"),
        ),
    )


def _cycles(numbers: Mapping[str, int], name: str, short: str, exits: Mapping[str, str]) -> Cycles:
    """Return the cycles of a scheduler; some of its families have the short form of its name."""
    return Cycles(
        count=numbers.get(f"{name}_cycle_cnt"),
        last_us=numbers.get(f"{name}_cycle_last"),
        max_us=numbers.get(f"{name}_cycle_max"),
        mean_us=numbers.get(f"{short}_mean_cycle"),
        sum_us=numbers.get(f"{name}_cycle_tot"),
        queue_length=numbers.get(f"{name}_queue_len"),
        exits=_counts(numbers, f"{short}_exit_", exits),
    )


def _counts(numbers: Mapping[str, int], prefix: str, words: Mapping[str, str]) -> Mapping[str, int]:
    """Count by our words; what two of Slurm's words say of one of ours adds up."""
    counts: dict[str, int] = {}
    for word, ours in words.items():
        if (count := numbers.get(prefix + word)) is not None:
            counts[ours] = min(MAX_COUNT, counts.get(ours, 0) + count)
    return counts


def _total(partition: str, cpus: Mapping[str, int], gpus: Mapping[str, int]) -> Resources:
    count = gpus.get(partition)
    return Resources(cpus.get(partition), gres=(Gres("gpu", count),) if count else None)


def _required(totals: Mapping[str, int], family: str, path: str) -> int:
    if family not in totals:
        raise ReadError(
            Reason.BAD_REPLY,
            f"{path} has no {family}: does slurm.conf have MetricsType=metrics/openmetrics?",
            remedy="Set `MetricsType=metrics/openmetrics` in slurm.conf of Slurm 25.11 or newer.",
        )
    return totals[family]


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match[1] == "n" else match[1], text)
