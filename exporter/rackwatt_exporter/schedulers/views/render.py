"""The lines of a snapshot's samples: each with the labels of its scheduler before its own."""

import re
from collections.abc import Iterable, Mapping

from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.metrics.text import escaped, labels

SCHEDULER_LABELS = ("scheduler", "cluster")

Lines = Mapping[MetricFamily, list[str]]


def render(scheduler: tuple[str, str], samples: Iterable[Sample], exclude: str | None) -> Lines:
    """Write the samples of a scheduler, by family.

    `exclude` matches the whole names of families that are left out.
    """
    pattern = re.compile(exclude) if exclude else None
    common = labels(zip(SCHEDULER_LABELS, scheduler, strict=True))[:-1]
    prefixes: dict[MetricFamily, str | None] = {}
    lines: dict[MetricFamily, list[str]] = {}
    for family, values, number in samples:
        if family not in prefixes:
            left_out = pattern is not None and pattern.fullmatch(family.name)
            prefixes[family] = None if left_out else f"{family.name}{common}"
            lines[family] = []
        if (prefix := prefixes[family]) is not None:
            own = "".join(
                f',{name}="{escaped(value)}"'
                for name, value in zip(family.labels[2:], values, strict=True)
            )
            lines[family].append(f"{prefix}{own}}} {number}\n")
    return lines
