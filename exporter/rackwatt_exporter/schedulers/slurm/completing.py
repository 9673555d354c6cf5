"""Completing jobs that hold nothing: slurmctld may have released all of it when they ended.

A job is completing until its last epilog has ended. It is listed with all that it held, and its
nodes are no longer allocated to it in the releases that were tried (22.05 to 26.05). Which of both
is true is decided by what is allocated of the nodes: it either has the jobs or not. Nodes on which
jobs hold parts that are not known are compared together, since only the totals of those are.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.job_state import JobState
from rackwatt_exporter.schedulers.model.node import SchedulerNode


def released(jobs: Sequence[Job], nodes: Mapping[str, SchedulerNode]) -> set[int]:
    """Return the `id()` of each completing job that holds nothing; `jobs` are all with nodes.

    Where it is not known what is allocated of their nodes, they hold what they are listed with.
    """
    completing = [job for job in jobs if _holds_if_listed(job)]
    if not completing:
        return set()
    groups = _Groups(jobs)
    left = groups.left(jobs, nodes)
    listed: defaultdict[str, float] = defaultdict(float)
    for job in completing:
        listed[groups.of(job.nodes[0])] += (job.allocated and job.allocated.cpus) or 0
    return {
        id(job)
        for job in completing
        if left[group := groups.of(job.nodes[0])] not in (None, listed[group])
    }


def _holds_if_listed(job: Job) -> bool:
    return job.state == JobState.COMPLETING and bool(job.allocated and job.allocated.cpus)


def _is_divided(job: Job) -> bool:
    return bool(job.per_node) and all(part.cpus is not None for part in job.per_node)


class _Groups:
    """Nodes in groups, so that of each job either the total or the part of a group is known."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._above: dict[str, str] = {}
        for job in jobs:
            if _holds_if_listed(job) or not _is_divided(job):
                first = self.of(job.nodes[0])
                for name in job.nodes[1:]:
                    self._above[self.of(name)] = first

    def of(self, name: str) -> str:
        """Return the node that a node's group is named by."""
        while (above := self._above.get(name, name)) != name:
            self._above[name] = self._above.get(above, above)
            name = above
        return name

    def left(
        self, jobs: Iterable[Job], nodes: Mapping[str, SchedulerNode]
    ) -> Mapping[str, float | None]:
        """Return the CPUs of each group that are allocated, and not to a job that still runs."""
        left: dict[str, float | None] = {}
        for name in {name for job in jobs for name in job.nodes}:
            node, group = nodes.get(name), self.of(name)
            cpus = node.allocated.cpus if node and node.allocated else None
            left[group] = _plus(left.get(group, 0.0), cpus)
        for job in jobs:
            if _holds_if_listed(job):
                continue
            held = [part.cpus for part in job.per_node] if _is_divided(job) else [_total(job)]
            for name, cpus in zip(job.nodes, held, strict=False):
                left[self.of(name)] = _plus(left[self.of(name)], None if cpus is None else -cpus)
        return left


def _total(job: Job) -> float | None:
    return job.allocated.cpus if job.allocated else None


def _plus(sum_: float | None, cpus: float | None) -> float | None:
    return None if sum_ is None or cpus is None else sum_ + cpus
