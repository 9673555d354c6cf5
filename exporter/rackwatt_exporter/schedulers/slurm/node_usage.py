"""Measurements of a node by slurmd, as far as they are known to be of now.

slurmctld keeps the last load and free memory of a node whose slurmd is silent, or that it has
powered down, and shows them as before. They are not known then.
"""

from rackwatt_exporter.schedulers.model.fields import MAX_COUNT, MAX_LOAD
from rackwatt_exporter.schedulers.model.node import NodeUsage, SchedulerNode

_SILENT = frozenset({"not_responding", "powered_down", "powering_down", "powering_up"})


def make_usage(
    node: SchedulerNode, load: float | None, free_memory_bytes: int | None
) -> NodeUsage | None:
    """Return what was measured; None where nothing is known of it now."""
    if not _SILENT.isdisjoint(node.flags):
        return None
    load = None if load is None or load > MAX_LOAD else load
    free = None if free_memory_bytes is None or free_memory_bytes > MAX_COUNT else free_memory_bytes
    return None if load is None and free is None else NodeUsage(load, free)
