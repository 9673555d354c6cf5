"""The shares of nodes, by user, account and partition: what a node's power is divided by.

A node's power is not measured by job. It is divided as its CPUs and GPUs are allocated: a GPU
counts for as many CPUs as the document says, since it uses as much power. What no job holds, and
what a job holds that the scheduler does not report for each node, is in no share: a share is never
a guess.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from rackwatt_exporter.config.scheduler import MetricsOptions
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.node import MAX_SHARES, NodeShare, NodeShares
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot

_GPU = "gpu"

_Holder = tuple[str, str, str]  # a user, an account and a partition
_Amount = list[float]  # CPUs and GPUs, added up in place
_UNNAMED = ("", "", "")


class _Divided(NamedTuple):
    """A node's shares, and what they follow from."""

    total: Resources | None
    jobs: Sequence[Job]
    shares: NodeShares


class NodeDivision:
    """The division of a cluster's nodes, by what the document wants metrics of.

    Few nodes have other jobs than at the last poll: the shares of all others are kept.
    """

    def __init__(self, options: MetricsOptions) -> None:
        self.options = options
        self._last: Mapping[str, _Divided] = {}

    def divide(self, snapshot: SchedulerSnapshot) -> SchedulerSnapshot:
        """Return a snapshot with the shares of its nodes; without, where jobs are not known."""
        if not self.options.shares_nodes or snapshot.jobs is None:
            return snapshot
        self._last = divided = {
            name: self._divided(name, node.total, jobs)
            for name, jobs in _by_node(snapshot.jobs).items()
            if (node := snapshot.nodes.get(name))
        }
        shares = {name: one.shares for name, one in divided.items() if one.shares}
        return msgspec.structs.replace(snapshot, shares=shares)

    def _divided(self, name: str, total: Resources | None, jobs: Sequence[Job]) -> _Divided:
        last = self._last.get(name)
        if last is not None and last.total == total and last.jobs == jobs:
            return last
        held: dict[_Holder, _Amount] = {}
        for job in jobs:
            part = job.per_node[job.nodes.index(name)]
            amount = held.setdefault(_holder(job, self.options), [0, 0])
            amount[0] += part.cpus or 0
            amount[1] += part.count(_GPU) or 0
        return _Divided(total, jobs, _shares(total, held, self.options.gpu_weight))


def _by_node(jobs: Iterable[Job]) -> Mapping[str, Sequence[Job]]:
    """Return the jobs on each node of which it is known what they hold there."""
    by_node: defaultdict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        if job.per_node and len(job.per_node) == len(job.nodes):
            for name in job.nodes:
                by_node[name].append(job)
    return by_node


def _holder(job: Job, options: MetricsOptions) -> _Holder:
    """Return who a job's share belongs to; a job that has its nodes is in one partition."""
    partition = job.partitions[0] if options.partitions and len(job.partitions) == 1 else ""
    return job.user if options.users else "", job.account if options.accounts else "", partition


def _shares(
    total: Resources | None, held: Mapping[_Holder, _Amount], gpu_weight: float
) -> NodeShares:
    """Return the shares of a node, the largest of too many; none where its CPUs are not known."""
    if total is None or not total.cpus:
        return ()
    per_cpu, per_gpu = _weights(total, held.values(), gpu_weight)
    shares = [
        NodeShare(min(1.0, ratio), *holder)
        for holder, (cpus, gpus) in held.items()
        if holder != _UNNAMED and (ratio := cpus * per_cpu + gpus * per_gpu) > 0
    ]
    shares.sort(key=lambda share: share.ratio, reverse=True)
    return tuple(shares[:MAX_SHARES])


def _weights(total: Resources, held: Collection[_Amount], gpu_weight: float) -> tuple[float, float]:
    """Return which ratio of a node one CPU is, and which one GPU is.

    Where more is allocated than there is, as on a node that partitions share out several times
    over, the ratio is that of all that is allocated.
    """
    cpus, gpus = total.cpus or 0, total.count(_GPU) or 0
    per_cpu = 1 / max(cpus, sum(amount[0] for amount in held))
    if not gpus:
        return per_cpu, 0.0
    weighted = gpus * gpu_weight
    per_gpu = 1 / max(gpus, sum(amount[1] for amount in held))
    return per_cpu * cpus / (cpus + weighted), per_gpu * weighted / (cpus + weighted)
