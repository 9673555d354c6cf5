"""Resources as PBS names them: ncpus, mem and ngpus."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rackwatt_exporter.schedulers.model.fields import MAX_COUNT
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.pbs.values import count, size_bytes

Named = Mapping[str, Any]


def summed(groups: Sequence[Named], missing: int | None = None) -> Resources:
    """Add up resources; of one that is in no group there is `missing`.

    A value that cannot be read leaves its sum unknown.
    """
    gpus = _sum(groups, "ngpus", count, missing)
    return Resources(
        cpus=_sum(groups, "ncpus", count, missing),
        memory_bytes=_sum(groups, "mem", size_bytes, missing),
        gres=None if gpus is None else ((Gres("gpu", gpus),) if gpus else ()),
    )


def _sum(
    groups: Sequence[Named], name: str, parse: Callable[[Any], int | None], missing: int | None
) -> int | None:
    values = [parse(group[name]) for group in groups if name in group]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    return min(sum(known), MAX_COUNT) if known else missing
