"""Nodes of PBS: a host with its vnodes."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from rackwatt_exporter.schedulers.model.fields import MAX_NAMES, name
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.pbs import states
from rackwatt_exporter.schedulers.pbs.listing import Attributes, Listing
from rackwatt_exporter.schedulers.pbs.resources import summed
from rackwatt_exporter.schedulers.pbs.values import count, section, text, time_s
from rackwatt_exporter.schedulers.verdicts import verdict


def host_of(vnode: str, attributes: Attributes) -> str:
    """Return the host of a vnode; that of Torque's nodes, and of old servers', is its name."""
    return name(text(section(attributes, "resources_available").get("host"))) or name(vnode)


def nodes(listing: Listing) -> Iterator[tuple[str, SchedulerNode]]:
    """Go through the nodes by name."""
    vnodes: dict[str, list[Attributes]] = defaultdict(list)
    for vnode, attributes in listing.records.items():
        if host := host_of(vnode, attributes):
            vnodes[host].append(attributes)
    for host, parts in vnodes.items():
        yield host, _node(parts)


def _node(vnodes: Sequence[Attributes]) -> SchedulerNode:
    # A host of several vnodes has one without processors, which runs no job.
    parts = [one for one in vnodes if _cpus(one) != 0] or vnodes
    words = [states.words(one.get("state")) for one in parts]
    reasons = dict.fromkeys(filter(None, (text(one.get("comment")) for one in vnodes)))
    changes = (time_s(one.get("last_state_change_time")) for one in vnodes)
    queues = {name(text(one.get("queue"))) for one in vnodes}
    available = summed([section(one, "resources_available") for one in vnodes])
    total = available if available != Resources() else None
    return SchedulerNode(
        *verdict([states.bars(each) for each in words], _at_work(vnodes, words)),
        states.vnode_flags(words),
        partitions=tuple(sorted(filter(None, queues)))[:MAX_NAMES],
        reason="; ".join(reasons),
        reason_at_s=max(filter(None, changes), default=None) if reasons else None,
        total=total,
        allocated=_allocated(vnodes, total),
    )


def _at_work(vnodes: Sequence[Attributes], words: Sequence[Sequence[str]]) -> bool | None:
    """Return whether a node has jobs, None where that is not known: it has no state."""
    jobs = [one.get("jobs", ()) for one in vnodes]
    if any(jobs) or any(map(states.at_work, words)):
        return True
    return False if all(words) and all(isinstance(each, list | tuple) for each in jobs) else None


def _cpus(vnode: Attributes) -> int | None:
    return count(section(vnode, "resources_available").get("ncpus"))


def _allocated(vnodes: Sequence[Attributes], total: Resources | None) -> Resources | None:
    """Return what is assigned of what a node has; PBS leaves out what is not."""
    if total is None:
        return None
    assigned = summed([section(one, "resources_assigned") for one in vnodes], missing=0)
    return Resources(
        cpus=None if total.cpus is None else assigned.cpus,
        memory_bytes=None if total.memory_bytes is None else assigned.memory_bytes,
        gres=None if total.gres is None else assigned.gres,
    )
