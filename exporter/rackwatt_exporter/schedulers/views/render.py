"""The lines of a snapshot's samples: each with the labels of its scheduler before its own."""

import re
from collections.abc import Iterable

from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.metrics.text import escaped, labels

SCHEDULER_LABELS = ("scheduler", "cluster")

Lines = dict[MetricFamily, list[str]]


def is_excluded(family: MetricFamily, exclude: str | None) -> bool:
    """Return whether a pattern matches the whole name of a family."""
    return exclude is not None and re.fullmatch(exclude, family.name) is not None


def render(scheduler: tuple[str, str], samples: Iterable[Sample], exclude: str | None) -> Lines:
    """Write the samples of a scheduler, by family.

    `exclude` matches the whole names of families that are left out.
    """
    common = labels(zip(SCHEDULER_LABELS, scheduler, strict=True))[:-1]
    prefixes: dict[MetricFamily, str | None] = {}
    lines: Lines = {}
    for family, values, number in samples:
        if family not in prefixes:
            left_out = is_excluded(family, exclude)
            prefixes[family] = None if left_out else f"{family.name}{common}"
            lines[family] = []
        if (prefix := prefixes[family]) is not None:
            own = "".join(
                f',{name}="{escaped(value)}"'
                for name, value in zip(family.labels[2:], values, strict=True)
            )
            lines[family].append(f"{prefix}{own}}} {number}\n")
    return lines
