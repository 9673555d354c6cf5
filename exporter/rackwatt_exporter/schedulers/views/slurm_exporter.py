"""Families of prometheus-slurm-exporter from a snapshot of Slurm.

docs/migration/slurm-exporter.md says what differs from its own page, and why. A state of a node is
the model's word, and a state of a job is Slurm's own in upper case, as squeue prints it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from rackwatt_exporter.config.scheduler import MetricsOptions
from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.schedulers.model.job_state import WAITING
from rackwatt_exporter.schedulers.model.limit_usage import LimitUsage
from rackwatt_exporter.schedulers.model.node import NodeUsage, SchedulerNode
from rackwatt_exporter.schedulers.model.node_state import NodeState
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views import slurm_families as f
from rackwatt_exporter.schedulers.views.job_tally import JobKind, JobTally

# In these a node takes jobs, or will when it is powered up; sinfo counts its free CPUs as idle.
_IN_SERVICE = frozenset(
    {
        NodeState.ALLOCATED,
        NodeState.MIXED,
        NodeState.COMPLETING,
        NodeState.IDLE,
        NodeState.PLANNED,
        NodeState.RESERVED,
        NodeState.MAINTENANCE,
        NodeState.POWERED_DOWN,
        NodeState.POWERING_DOWN,
        NodeState.POWERING_UP,
    }
)
_NOT_REPORTED = Resources()
_CREDITS = "billing_minutes"

_Amount = tuple[MetricFamily, tuple[str, ...], float | None]


class _Sum:
    """Jobs of one group in one state, and what they hold or wait for, where that is known."""

    __slots__ = ("cpus", "memory", "tasks")

    def __init__(self) -> None:
        self.tasks = 0
        self.cpus: float | None = None
        self.memory: int | None = None

    def add(self, amount: Resources | None, tasks: int) -> None:
        """Add so many tasks, each of which has that amount."""
        self.tasks += tasks
        if amount is None:
            return
        if amount.cpus is not None:
            self.cpus = (self.cpus or 0) + amount.cpus * tasks
        if amount.memory_bytes is not None:
            self.memory = (self.memory or 0) + amount.memory_bytes * tasks


def samples(
    snapshot: SchedulerSnapshot, tally: JobTally, options: MetricsOptions
) -> Iterator[Sample]:
    """Go through the samples; what was not reported has none. `tally` is of the snapshot's jobs."""
    yield from _added(_of_nodes(snapshot))
    yield from _added(_of_accounts(snapshot))
    if snapshot.jobs is None:
        return
    if options.jobs:
        yield from _added(_by_reason(tally))
        yield from _added(_by_feature(tally))
    if options.partitions:
        yield from _added(_by_partition(tally.groups["partitions"]))
    if options.users:
        yield from _added(_by_state(f.USER, _summed(tally.groups["users"])))
    if options.accounts:
        accounts = _summed(tally.groups["accounts"])
        yield from _added(_by_state(f.ACCOUNT, accounts))
        yield from _added(_held(accounts))


def _added(amounts: Iterable[_Amount]) -> Iterator[Sample]:
    """Add up the amounts that are known."""
    sums: defaultdict[tuple[MetricFamily, tuple[str, ...]], float] = defaultdict(int)
    for family, labels, amount in amounts:
        if amount is not None:
            sums[family, labels] += amount
    for (family, labels), value in sums.items():
        yield Sample(family, labels, value)


def _of_nodes(snapshot: SchedulerSnapshot) -> Iterator[_Amount]:
    """Go through the amounts of nodes, those of the same state and partitions together."""
    alike: defaultdict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for name, node in snapshot.nodes.items():
        alike[node.state, node.partitions].append(name)
    usage = snapshot.usage or {}
    for (state, partitions), members in alike.items():
        nodes = [snapshot.nodes[name] for name in members]
        usages = [usage[name] for name in members if name in usage]
        yield from _of_alike(state, partitions, nodes)
        yield from _measured(partitions, usages)
        weight = _known(node.weight for node in nodes)
        for partition in partitions:
            yield f.PARTITION_WEIGHT, (partition,), weight


def _of_alike(
    state: str, partitions: Iterable[str], nodes: Sequence[SchedulerNode]
) -> Iterator[_Amount]:
    totals = [node.total or _NOT_REPORTED for node in nodes]
    held = [node.allocated or _NOT_REPORTED for node in nodes]
    cpus, held_cpus = _known(one.cpus for one in totals), _known(one.cpus for one in held)
    memory = _known(one.memory_bytes for one in totals)
    held_memory = _known(one.memory_bytes for one in held)
    idle = _known(map(partial(_idle_cpus, state), totals, held))
    yield f.NODES, (state,), len(nodes)
    yield f.STATE_CPUS, (state,), cpus
    yield f.CPUS, (), cpus
    yield f.IDLE_CPUS, (), idle
    yield f.MEMORY, (), memory
    yield f.ALLOCATED_MEMORY, (), held_memory
    for name in partitions:
        yield f.PARTITION_NODES, (name, state), len(nodes)
        yield f.PARTITION_CPUS, (name,), cpus
        yield f.PARTITION_IDLE_CPUS, (name,), idle
        yield f.PARTITION_ALLOCATED_CPUS, (name, state), held_cpus
        yield f.PARTITION_MEMORY, (name,), memory
        yield f.PARTITION_ALLOCATED_MEMORY, (name, state), held_memory


def _measured(partitions: Iterable[str], usages: Sequence[NodeUsage]) -> Iterator[_Amount]:
    load, free = _known(u.load for u in usages), _known(u.free_memory_bytes for u in usages)
    yield f.LOAD, (), load
    yield f.FREE_MEMORY, (), free
    for name in partitions:
        yield f.PARTITION_LOAD, (name,), load
        yield f.PARTITION_FREE_MEMORY, (name,), free


def _known(amounts: Iterable[float | None]) -> float | None:
    """Return the sum of the amounts that are known; None where none is."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known) if known else None


def _idle_cpus(state: str, total: Resources, held: Resources) -> float | None:
    if total.cpus is None or held.cpus is None:
        return None
    return max(0, total.cpus - held.cpus) if state in _IN_SERVICE else 0


def _of_accounts(snapshot: SchedulerSnapshot) -> Iterator[_Amount]:
    """Go through limits, fair shares and credits of accounts; those of users are not here."""
    for limit in snapshot.limits or ():
        if not limit.user:
            account = (limit.account,)
            yield f.ACCOUNT_CPU_LIMIT, account, limit.cpus
            yield f.ACCOUNT_MEMORY_LIMIT, account, limit.memory_bytes
            yield f.ACCOUNT_RUNNING_LIMIT, account, limit.running_jobs
            yield f.ACCOUNT_JOB_LIMIT, account, limit.submitted_jobs
    for share in snapshot.fairshare or ():
        if not share.user:
            yield f.ACCOUNT_FAIR_SHARE, (share.account,), share.factor
    for usage in snapshot.limit_usage or ():
        if usage.key == (usage.account, "", "", "", _CREDITS):
            yield from _credits(usage)


def _credits(usage: LimitUsage) -> Iterator[_Amount]:
    account = (usage.account,)
    yield f.CREDITS, account, usage.allowed
    yield f.CREDITS_USED, account, usage.used
    yield f.CREDITS_LEFT, account, usage.allowed - usage.used
    if usage.allowed:
        yield f.CREDITS_PERCENT, account, 100 * usage.used / usage.allowed


def _by_reason(tally: JobTally) -> Iterator[_Amount]:
    for reason, count in tally.reasons.items():
        yield f.PENDING, (reason,), count


def _by_feature(tally: JobTally) -> Iterator[_Amount]:
    for (feature, allocated), count in tally.features.items():
        held = allocated or _NOT_REPORTED
        yield f.FEATURE_JOBS, (feature,), count
        yield f.FEATURE_CPUS, (feature,), _times(held.cpus, count)
        yield f.FEATURE_MEMORY, (feature,), _times(held.memory_bytes, count)


def _times(amount: float | None, count: int) -> float | None:
    return None if amount is None else amount * count


def _by_partition(kinds: Mapping[JobKind, int]) -> Iterator[_Amount]:
    for kind, count in kinds.items():
        yield f.PARTITION_JOBS, (kind.group, kind.state.upper()), count


def _summed(kinds: Mapping[JobKind, int]) -> dict[tuple[str, str], _Sum]:
    """Add up jobs by group and state."""
    sums: defaultdict[tuple[str, str], _Sum] = defaultdict(_Sum)
    for (group, state, allocated, requested), count in kinds.items():
        sums[group, state].add(allocated or requested, count)
    return sums


def _by_state(families: f.Group, sums: dict[tuple[str, str], _Sum]) -> Iterator[_Amount]:
    for (group, state), one in sums.items():
        labels = group, state.upper()
        yield families.jobs, labels, one.tasks
        yield families.cpus, labels, one.cpus
        yield families.memory, labels, one.memory


def _held(sums: dict[tuple[str, str], _Sum]) -> Iterator[_Amount]:
    """Go through what jobs hold now, whatever their state; those that wait hold nothing."""
    for (group, state), one in sums.items():
        if state not in WAITING:
            yield f.ACCOUNT_CPUS, (group,), one.cpus
            yield f.ACCOUNT_MEMORY, (group,), one.memory
