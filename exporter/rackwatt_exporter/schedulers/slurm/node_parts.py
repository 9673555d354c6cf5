"""Parts of each node that a job on several holds, computed from Slurm's reports of the nodes.

squeue prints the total of a job and the list of its nodes, and slurmrestd before v0.0.41 no CPUs of
each node either. `scontrol -d show job` has them, at the price of a second list of all jobs that is
seven times as long. Where only one result is possible the total is enough: the job has one CPU of
each node, or all of every node, or what the other jobs leave of what is allocated on each. The last
counts only if it adds up to the job's total, since nodes and jobs are not of the very same moment.
Everything else stays unknown.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.slurm.completing import released
from rackwatt_exporter.schedulers.slurm.jobs import SlurmJobs

_GPU = "gpu"
_UNKNOWN = (Resources(),)

_Nodes = Mapping[str, SchedulerNode]
_Amount = Callable[[Resources], float | None]
_Parts = Sequence[float]


# CPUs and GPUs of each node, where they were found; no such pair of a job that holds nothing.
_Found = tuple[_Parts | None, _Parts | None] | None


class _Completed(NamedTuple):
    """A job as it was listed, what was found of it, and the record that both are made into."""

    listed: Job
    found: _Found
    job: Job


class NodeParts:
    """What jobs on several nodes hold of each, from one poll to the next.

    The same record with the same parts is again made into the same record.
    """

    def __init__(self) -> None:
        self._last: Mapping[int, _Completed] = {}

    def complete(self, listed: SlurmJobs, nodes: _Nodes) -> SlurmJobs:
        """Return the jobs; those on several nodes with what they hold of each, if it is known.

        A completing job that has released what it held holds nothing.
        """
        active = [job for job in listed.jobs or () if job.nodes]
        idle = released(active, nodes)
        active = [job for job in active if id(job) not in idle] if idle else active
        spread = [job for job in active if len(job.nodes) > 1 and job.allocated is not None]
        cpus = _solved(_cpus, 1, nodes, active, spread)
        gpus = _solved(_gpus, 0, nodes, active, spread)
        self._last = completed = {
            key: self._completed(job, (cpus.get(key), gpus.get(key)))
            for job in spread
            if (key := id(job)) in cpus or any(gpus.get(key, ())) or (job.per_node and key in gpus)
        } | {
            key: self._completed(job, None) for job in listed.jobs or () if (key := id(job)) in idle
        }
        if not completed or listed.jobs is None:
            return listed
        jobs = [completed[key].job if (key := id(job)) in completed else job for job in listed.jobs]
        return listed._replace(jobs=tuple(jobs))

    def _completed(self, job: Job, found: _Found) -> _Completed:
        last = self._last.get(id(job))
        if last is not None and last.listed is job and last.found == found:
            return last
        if found is None:
            return _Completed(job, found, replace(job, allocated=None, per_node=()))
        return _Completed(job, found, _with_parts(job, *found))


def _solved(
    amount: _Amount, least: int, nodes: _Nodes, jobs: Iterable[Job], spread: Iterable[Job]
) -> dict[int, _Parts]:
    """Return the parts of one kind of resource that were not reported, by the `id()` of a job.

    `least` is what a job holds of each of its nodes at least. Nodes are compared only for the jobs
    whose total leaves a choice.
    """
    solved: dict[int, _Parts] = {}
    unsolved: list[Job] = []
    for job in spread:
        if job.per_node and all(amount(part) is not None for part in job.per_node):
            continue
        parts = _of_total(amount(job.allocated) if job.allocated else None, least, len(job.nodes))
        if parts is None:
            unsolved.append(job)
        else:
            solved[id(job)] = parts
    if unsolved:
        _Search(amount, least, nodes, unsolved, solved).solve(jobs)
    return solved


def _of_total(total: float | None, least: int, nodes: int) -> _Parts | None:
    """Return the parts of a total that leaves no choice: nothing, or the least of each node."""
    return [total // nodes] * nodes if total in (0, least * nodes) else None


def _cpus(resources: Resources) -> float | None:
    return resources.cpus


def _gpus(resources: Resources) -> float | None:
    return resources.count(_GPU)


def _with_parts(job: Job, cpus: _Parts | None, gpus: _Parts | None) -> Job:
    """Return a job with what was found; GPUs without a type where the job has several types.

    Its GRES stay unknown where GPUs are not all of them.
    """
    gres = (job.allocated and job.allocated.gres) or ()
    kind = gres[0].type if len(gres) == 1 else ""
    parts = list(job.per_node) or [Resources()] * len(job.nodes)
    if cpus is not None:
        parts = [replace(part, cpus=count) for part, count in zip(parts, cpus, strict=True)]
    if gpus is not None and all(one.name == _GPU for one in gres):
        parts = [
            replace(part, gres=_gres(int(count), kind))
            for part, count in zip(parts, gpus, strict=True)
        ]
    return replace(job, per_node=tuple(parts))


def _gres(gpus: int, kind: str) -> tuple[Gres, ...]:
    return (Gres(_GPU, gpus, kind),) if gpus else ()


class _Search:
    """The search for the jobs whose parts follow from their nodes.

    Each job that is solved may leave another to be solved. `solved` are known already, and get what
    is found. A job's key is its `id()`, since two may have one name.
    """

    def __init__(
        self,
        amount: _Amount,
        least: int,
        nodes: _Nodes,
        unsolved: Iterable[Job],
        solved: dict[int, _Parts],
    ) -> None:
        self._amount = amount
        self._least = least
        self._nodes = nodes
        self._unsolved = {id(job): job for job in unsolved}
        self._solved = solved
        self._on_node: defaultdict[str, set[int]] = defaultdict(set)
        for key, job in self._unsolved.items():
            for name in job.nodes:
                self._on_node[name].add(key)
        self._totals = {name: self._of_node(name, "total") for name in self._on_node}
        # What is allocated of a node and not known to be another job's; None is not known.
        self._left = {name: self._of_node(name, "allocated") for name in self._on_node}

    def solve(self, jobs: Iterable[Job]) -> None:
        """Find the parts of each job that has one solution; `jobs` are all that have nodes."""
        self._subtract(job for job in jobs if id(job) not in self._unsolved)
        waiting = deque(self._unsolved)
        while waiting:
            key = waiting.popleft()
            job = self._unsolved[key]
            if key in self._solved or (parts := self._parts(job)) is None:
                continue
            self._solved[key] = parts
            waiting.extend(self._settle(job, parts))

    def _of_node(self, name: str, which: str) -> float | None:
        node = self._nodes.get(name)
        resources: Resources | None = getattr(node, which, None)
        return None if resources is None else self._amount(resources)

    def _subtract(self, jobs: Iterable[Job]) -> None:
        """Take the jobs that are known off their nodes; what one of unknown parts leaves is not."""
        left, solved, amount = self._left, self._solved, self._amount
        for job in jobs:
            parts = solved.get(id(job)) or map(amount, job.per_node or _UNKNOWN * len(job.nodes))
            for name, part in zip(job.nodes, parts, strict=True):
                if (before := left.get(name)) is not None:
                    left[name] = None if part is None else before - part

    def _settle(self, job: Job, parts: _Parts) -> set[int]:
        """Take a solved job off its nodes; return the jobs that this may have left alone there."""
        others: set[int] = set()
        for name, part in zip(job.nodes, parts, strict=True):
            self._left[name] = _minus(self._left[name], part)
            self._on_node[name].discard(id(job))
            others |= self._on_node[name]
        return others

    def _parts(self, job: Job) -> _Parts | None:
        total = self._amount(job.allocated) if job.allocated else None
        if total is None:
            return None
        whole = [self._totals[name] for name in job.nodes]
        alone = all(len(self._on_node[name]) == 1 for name in job.nodes)
        left = [self._left[name] for name in job.nodes] if alone else []
        return _adding_up(whole, total, self._least) or _adding_up(left, total, self._least)


def _adding_up(parts: Sequence[float | None], total: float, least: int) -> _Parts | None:
    """Return the parts if all are known and possible, and they add up to the total."""
    known = [part for part in parts if part is not None and part >= least]
    return known if known and len(known) == len(parts) and sum(known) == total else None


def _minus(amount: float | None, part: float | None) -> float | None:
    return None if amount is None or part is None else amount - part
