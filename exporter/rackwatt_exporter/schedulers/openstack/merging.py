"""Nova's and Ironic's answers as one snapshot: each node once, and the jobs on it.

Nova calls a bare-metal node by its UUID, Ironic by its name: where both list it, Ironic's node
counts, and Nova's servers run on it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.node_state import NodeState, normalize_state
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot, share
from rackwatt_exporter.schedulers.openstack.compute import ComputeAnswer
from rackwatt_exporter.schedulers.openstack.ironic import BareMetal
from rackwatt_exporter.schedulers.openstack.placement import Amounts
from rackwatt_exporter.schedulers.openstack.records import listed, unambiguous

_WITHOUT_SERVERS = (NodeState.IDLE, NodeState.UNKNOWN)


class BareMetalAnswer(NamedTuple):
    """What Ironic answers."""

    nodes: tuple[tuple[str, BareMetal], ...] = ()
    version: str = ""
    unread: tuple[str, ...] = ()


def merge(
    bare_metal: BareMetalAnswer, answer: ComputeAnswer, amounts: Mapping[str, Amounts]
) -> SchedulerSnapshot:
    """Return the nodes and jobs of both; users and accounts of jobs are still ids."""
    unread = [*bare_metal.unread, *answer.unread]
    names = {one.uuid: name for name, one in bare_metal.nodes}
    both = (
        *((name, one.node) for name, one in bare_metal.nodes),
        *_hypervisors(answer, names, amounts),
    )
    nodes = dict(unambiguous(both, unread))
    jobs = tuple(_on_bare_metal(job, names, nodes) for job in answer.jobs or ())
    busy = {name for job in jobs for name in job.nodes}
    versions = (("baremetal", bare_metal.version), ("compute", answer.version))
    return SchedulerSnapshot(
        share((name, _with_jobs(node, name in busy)) for name, node in nodes.items()),
        version=", ".join(f"{service} {version}" for service, version in versions if version),
        unread=len(unread),
        note="; ".join(_notes(unread, answer, names)),
        jobs=None if answer.jobs is None else jobs,
        unread_jobs=answer.unread_jobs,
    )


def named(
    jobs: tuple[Job, ...] | None, users: Mapping[str, str], projects: Mapping[str, str]
) -> tuple[Job, ...] | None:
    """Return jobs with the names of users and projects, as far as they are known."""
    if jobs is None:
        return None
    return tuple(
        msgspec.structs.replace(
            job,
            user=users.get(job.user, job.user),
            account=projects.get(job.account, job.account),
        )
        for job in jobs
    )


def _notes(unread: Sequence[str], answer: ComputeAnswer, names: Mapping[str, str]) -> Iterator[str]:
    """Yield what the counts of a snapshot do not say."""
    if unread:
        yield f"no name, or that of another node: {listed(unread)}"
    nameless = [name for name, one in answer.hypervisors if one.ironic and name not in names]
    if nameless:
        yield f"bare metal that Ironic does not list to this user has its UUID: {listed(nameless)}"


def _hypervisors(
    answer: ComputeAnswer, names: Mapping[str, str], amounts: Mapping[str, Amounts]
) -> Iterator[tuple[str, SchedulerNode]]:
    """Yield the nodes that only Nova has, with what Placement knows of them."""
    for name, one in answer.hypervisors:
        if one.ironic and name in names:
            continue
        known = amounts.get(one.id)
        node = one.node
        if known is not None:
            node = msgspec.structs.replace(node, total=known.total, allocated=known.allocated)
        yield name, node


def _on_bare_metal(job: Job, names: Mapping[str, str], nodes: Mapping[str, SchedulerNode]) -> Job:
    """Return a job with the name of its node; one on bare metal holds the whole node."""
    if not job.nodes or job.nodes[0] not in names:
        return job
    name = names[job.nodes[0]]
    amount = (nodes[name].total if name in nodes else None) or job.allocated
    return msgspec.structs.replace(
        job, nodes=(name,), allocated=amount, per_node=(amount,) if amount else ()
    )


def _with_jobs(node: SchedulerNode, busy: bool) -> SchedulerNode:
    """Return a node as allocated where a job is on it: the list of servers may be newer."""
    if not busy or node.base not in _WITHOUT_SERVERS:
        return node
    state, base, flags = normalize_state((NodeState.ALLOCATED, *node.flags))
    return msgspec.structs.replace(node, state=state, base=base, flags=flags)
