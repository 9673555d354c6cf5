"""Record of a job from the fields that Slurm's text and its JSON have in common.

Slurm prints what a job waits for and what it holds in the same words: the state decides which of
them it is. Its start and its end are plans as long as they have not happened.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from sys import intern
from typing import NamedTuple, Self

import msgspec

from rackwatt_crds.hostlist import expand
from rackwatt_exporter.reading import ReadError
from rackwatt_exporter.schedulers.model.fields import MAX_NAMES, MAX_TIME_S, name
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.job_state import (
    ACTIVE,
    ENDED,
    WAITING,
    JobState,
    normalize_job_state,
)
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.resources import Gres, Resources, distinct_gres
from rackwatt_exporter.schedulers.slurm.arrays import JobId
from rackwatt_exporter.schedulers.slurm.tres import (
    NOTHING,
    node_count,
    parse_gres,
    parse_tres,
)

# Of a constraint (sbatch, --constraint): all, any, groups, and a list of alternatives.
_OPERATORS = re.compile(r"[&|,()\[\]\s]+")
_HIDDEN = "Slurm lists no job and nodes are allocated: PrivateData=jobs hides them from this user"
_PARTLY_HIDDEN = (
    "listed jobs hold {held} of the {allocated} CPUs that are allocated of nodes: does "
    "PrivateData=jobs hide others from this user?"
)
# Of what is allocated. Nodes and jobs are not of the very same moment.
_MUCH = 0.1


class SlurmJobs(NamedTuple):
    """Every job, None where they are not known; how many lines could not be read; a note."""

    jobs: tuple[Job, ...] | None = None
    unread: int = 0
    note: str = ""

    @classmethod
    def failed(cls, error: ReadError) -> Self:
        """Return that jobs are not known, and why."""
        return cls(note=f"jobs are not known: {error.reason}: {error}")

    @classmethod
    def joined(cls, parts: Sequence["SlurmJobs"]) -> Self:
        """Return the jobs of all parts, each of which has some."""
        jobs = tuple(chain.from_iterable(part.jobs or () for part in parts))
        notes = dict.fromkeys(part.note for part in parts if part.note)
        return cls(jobs, sum(part.unread for part in parts), "; ".join(notes))

    def unless_hidden(self, nodes: Iterable[SchedulerNode]) -> Self:
        """Return itself, or that jobs are hidden: none is listed, and nodes are allocated.

        Where some are listed, and hold much less than is allocated, a note says so. Slurm says
        nothing where it hides jobs.
        """
        if self.jobs is None:
            return self
        allocated = sum(node.allocated.cpus or 0 for node in nodes if node.allocated)
        if not any(job.state not in WAITING for job in self.jobs):
            return type(self)(note=_HIDDEN) if allocated else self
        known = [job.allocated.cpus for job in self.jobs if job.allocated is not None]
        held = sum(cpus for cpus in known if cpus is not None)
        if self.unread or None in known or allocated - held <= _MUCH * allocated:
            return self
        note = _PARTLY_HIDDEN.format(held=f"{held:g}", allocated=f"{allocated:g}")
        return self._replace(note="; ".join(filter(None, (self.note, note))))


class SlurmJob(msgspec.Struct, gc=False):
    """A job in Slurm's own words. `gres` are the requests per job, node, socket and task.

    `parts` are what it holds of each of several nodes, by name, where Slurm says so.
    """

    words: tuple[str, ...]
    tres: str
    user: str
    account: str
    qos: str
    partitions: str
    reason: str
    features: str
    nodes: str
    gres: tuple[str, str, str, str]
    submitted_at_s: int | None
    started_at_s: int | None
    ended_at_s: int | None
    parts: Mapping[str, Resources] = {}


def make_job(job_id: JobId, slurm: SlurmJob) -> Job:
    """Make the record of a job."""
    state, flags = normalize_job_state(slurm.words)
    resources = _resources(slurm.tres, slurm.gres)
    nodes = expand_nodes(slurm.nodes) if state in ACTIVE else ()
    has_run = bool(nodes) or (state in ENDED and slurm.nodes not in NOTHING)
    allocated = _held(state, resources) if state in ACTIVE else None
    return Job(
        job_id.id,
        state,
        flags,
        job_id.tasks,
        intern(job_id.array),
        intern(job_id.het),
        _word(slurm.user),
        _word(slurm.account),
        _word(slurm.qos),
        _words(slurm.partitions),
        "" if slurm.reason in (*NOTHING, "None") else slurm.reason,
        slurm.submitted_at_s,
        slurm.started_at_s if has_run else None,
        slurm.ended_at_s if state in ENDED else None,
        resources if state in WAITING else None,
        allocated,
        nodes,
        _per_node(state, allocated, nodes, slurm.parts),
        _features(slurm.features),
        job_id.number,
    )


def time_s(number: int) -> int | None:
    """Return a Unix time; None where Slurm means none."""
    return number if 1 <= number <= MAX_TIME_S else None


@lru_cache(4096)
def _resources(tres: str, gres: tuple[str, str, str, str]) -> Resources:
    """Return what a job has, its GRES too where Slurm's accounting leaves them out."""
    resources = parse_tres(tres)
    if resources.gres is not None:
        return resources
    return msgspec.structs.replace(resources, gres=_requested_gres(gres, node_count(tres)))


def _requested_gres(gres: tuple[str, str, str, str], nodes: int | None) -> tuple[Gres, ...] | None:
    """Return what a request comes to; None where that depends on what Slurm made of it."""
    per_job, per_node, per_socket, per_task = map(_generic, gres)
    if per_job is None or per_node is None or per_socket != () or per_task != ():
        return None
    if per_node and nodes is None:
        return None
    return distinct_gres(
        (
            *((one.name, one.type, one.count) for one in per_job),
            *((one.name, one.type, one.count * (nodes or 1)) for one in per_node),
        )
    )


def _generic(text: str) -> tuple[Gres, ...] | None:
    """Parse a request, without the CPUs and memory that newer versions list in it."""
    parts = [part for part in text.split(",") if "=" not in part or part.startswith("gres")]
    return parse_gres(",".join(parts))


def _per_node(
    state: str,
    allocated: Resources | None,
    nodes: Sequence[str],
    parts: Mapping[str, Resources],
) -> tuple[Resources, ...]:
    """Return what a job holds of each node; its CPUs count only if they add up to its total."""
    if allocated is None or not nodes:
        return ()
    if len(nodes) == 1:
        return (allocated,)
    if parts.keys() != set(nodes):
        return ()
    per_node = tuple(_held(state, parts[name]) for name in nodes)
    if sum(part.cpus or 0 for part in per_node) != allocated.cpus:
        per_node = tuple(msgspec.structs.replace(part, cpus=None) for part in per_node)
    return per_node if any(part != Resources() for part in per_node) else ()


@lru_cache(4096)
def _held(state: str, resources: Resources) -> Resources:
    """Return what a job holds now: a suspended one keeps its memory and GRES, not its CPUs."""
    if state == JobState.SUSPENDED and resources.cpus is not None:
        return msgspec.structs.replace(resources, cpus=0)
    return resources


@lru_cache(4096)
def expand_nodes(text: str) -> tuple[str, ...]:
    """List the nodes of a host list; none where it is no such list."""
    if text in NOTHING:
        return ()
    try:
        return tuple(map(intern, expand(text)))
    except ValueError:
        return ()


@lru_cache(4096)
def _word(text: str) -> str:
    return "" if text in NOTHING else name(text)


@lru_cache(4096)
def _words(text: str) -> tuple[str, ...]:
    return names(text.split(","))


@lru_cache(4096)
def _features(constraint: str) -> tuple[str, ...]:
    """List the features that a constraint such as `[rack1*2&rack2*4]` or `intel|amd` names."""
    if constraint in NOTHING:
        return ()
    return names(word.partition("*")[0] for word in _OPERATORS.split(constraint))


def names(words: Iterable[str]) -> tuple[str, ...]:
    """Return names in their order, each once."""
    shown: Sequence[str] = [intern(name(word)) for word in words if word not in NOTHING]
    return tuple(dict.fromkeys(word for word in shown if word))[:MAX_NAMES]
