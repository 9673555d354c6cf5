"""Nodes of Grid Engine: a host with its queue instances."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from rackwatt_exporter.schedulers.gridengine.hosts import Host, Hosts
from rackwatt_exporter.schedulers.gridengine.letters import bars
from rackwatt_exporter.schedulers.gridengine.queues import QueueInstance, Queues
from rackwatt_exporter.schedulers.model.fields import MAX_NAMES
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.verdicts import flags, verdict


def nodes(hosts: Hosts, queues: Queues) -> Iterator[tuple[str, SchedulerNode]]:
    """Go through the nodes by name.

    Where a queue instance of an unknown host could not be read, no node is known to have no jobs.
    """
    instances = defaultdict(list)
    for instance in queues.instances:
        instances[instance.host].append(instance)
    for name in hosts.hosts.keys() | instances.keys():
        yield name, _node(hosts.hosts.get(name), instances[name], queues.lost)


def _node(host: Host | None, instances: Sequence[QueueInstance], lost: bool) -> SchedulerNode:
    silent = host is not None and not host.reports
    parts = bars([instance.letters for instance in instances])
    messages = dict.fromkeys(message for each in instances for message in each.messages)
    queues = {instance.queue for instance in instances if instance.queue}
    return SchedulerNode(
        *verdict(parts, _at_work(instances, unsure=lost or silent)),
        flags(parts),
        partitions=tuple(sorted(queues)[:MAX_NAMES]),
        reason="; ".join(messages),
        total=host.total if host else None,
        allocated=_allocated(instances),
    )


def _at_work(instances: Sequence[QueueInstance], unsure: bool) -> bool | None:
    """Return whether a node has jobs, None where that is not known."""
    if any(instance.slots_used or instance.jobs for instance in instances):
        return True
    unread = any(instance.slots_used is None for instance in instances)
    return None if unread or unsure else False


def _allocated(instances: Sequence[QueueInstance]) -> Resources | None:
    slots = [each.slots_used for each in instances if each.slots_used is not None]
    return Resources(cpus=sum(slots)) if slots and len(slots) == len(instances) else None
