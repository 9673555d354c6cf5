"""Jobs that hold a node, and their users: for those who look at that node.

They are searched for in the snapshot when a page wants them, and never for the whole fleet: an
index of all jobs by node would be as large as the queue, and so would its copy in each browser.
Where jobs are not known there is a reason and no list: an empty one says that the node has none.
"""

import time
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from rackwatt_exporter.config.target import Target
from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.store.node_states import SchedulerRecord

MAX_JOBS = 20
MAX_USERS = 5


class HeldJob(NamedTuple):
    """A job, and what it holds of the node; None where only what it holds in all is known."""

    job: Job
    here: Resources | None


class NodeJobs(NamedTuple):
    """The jobs of one node; None where they are not known, and why."""

    jobs: list[HeldJob] | None
    unknown: str = ""

    @property
    def users(self) -> Counter[str]:
        """How many jobs each user has here."""
        return Counter(held.job.user for held in self.jobs or ())


def node_jobs(exporter: Exporter, targets: Collection[Target]) -> Mapping[str, NodeJobs]:
    """Return the jobs of the nodes of targets, by target, for those that have a scheduler."""
    found: dict[str, NodeJobs] = {}
    listed: dict[str, dict[str, list[HeldJob]]] = {}
    for target in targets:
        scheduler = target.scheduler
        if scheduler is None:
            continue
        name = exporter.schedulers.node_name(scheduler, target.node)
        unknown = _unknown(scheduler, exporter.schedulers.records.get(scheduler), name)
        if unknown or name is None:
            found[target.node] = NodeJobs(None, unknown)
        else:
            jobs = listed.setdefault(scheduler, {}).setdefault(name, [])
            found[target.node] = NodeJobs(jobs)
    for scheduler, by_name in listed.items():
        value = exporter.schedulers.records[scheduler].value
        for job in (value and value.jobs) or ():
            for place, name in enumerate(job.nodes):
                if name in by_name:
                    by_name[name].append(HeldJob(job, _here(job, place)))
    return found


def description(found: NodeJobs | None) -> dict[str, Any] | None:
    """Return what the details of a node show: its largest jobs, and how many there are."""
    if found is None:
        return None
    if found.jobs is None:
        return {"unknown": found.unknown}
    now_s, users = time.time(), found.users
    rows = [_row(held, now_s) for held in sorted(found.jobs, key=_size, reverse=True)[:MAX_JOBS]]
    return {
        "count": len(found.jobs),
        "first": rows,
        "users": len(users),
        "first_users": users.most_common(MAX_USERS),
    }


def in_words(found: NodeJobs | None) -> str:
    """Return how many jobs a node has, and whose; empty for a target without a scheduler."""
    if found is None:
        return ""
    if found.jobs is None:
        return "not known"
    names = [user or "?" for user, _ in found.users.most_common(MAX_USERS)]
    more = f" and {len(found.users) - MAX_USERS} more" if len(found.users) > MAX_USERS else ""
    return f"{len(found.jobs)}: {', '.join(names)}{more}" if names else "0"


def _unknown(scheduler: str, record: SchedulerRecord | None, name: str | None) -> str:
    """Return why the jobs of a node are not known; empty where they are."""
    if record is None:
        return f"no SchedulerBinding is named {scheduler}"
    if record.value is None:
        error = f": {record.error.reason}, {record.error}" if record.error else ""
        return f"scheduler {scheduler} has no current answer{error}"
    if name is None:
        return f"scheduler {scheduler} does not list this node"
    if record.value.jobs is not None:
        return ""
    if record.spec.is_relayed:
        return f"the exporter that polls scheduler {scheduler} has them"
    if not record.spec.reads_jobs:
        return f"scheduler {scheduler} is not polled for jobs"
    note = record.value.note.removeprefix("jobs are not known: ")
    return note or f"scheduler {scheduler} did not report them"


def _here(job: Job, place: int) -> Resources | None:
    if place < len(job.per_node):
        return job.per_node[place]
    return job.allocated if len(job.nodes) == 1 else None


def _size(held: HeldJob) -> tuple[int, float, int, str]:
    amount = held.here or held.job.allocated or Resources()
    return amount.count("gpu") or 0, amount.cpus or 0, amount.memory_bytes or 0, held.job.id


def _row(held: HeldJob, now_s: float) -> dict[str, Any]:
    """Write a job; `nodes` is how many its amounts are of."""
    job, amount = held.job, held.here or held.job.allocated or Resources()
    running_s = None if job.started_at_s is None else max(0.0, now_s - job.started_at_s)
    return {
        "id": job.id,
        "user": job.user,
        "account": job.account,
        "partition": ",".join(job.partitions),
        "state": job.state,
        "running_s": running_s,  # clocks of hosts differ, and no job runs for less than nothing
        "nodes": 1 if held.here is not None else len(job.nodes),
        "cpus": amount.cpus,
        "memory_bytes": amount.memory_bytes,
        "gpus": amount.count("gpu"),
    }
