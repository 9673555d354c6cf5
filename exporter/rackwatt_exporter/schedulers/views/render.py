"""The lines of a snapshot's samples: each with the labels of its scheduler before its own."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.metrics.text import escaped, labels

SCHEDULER_LABELS = ("scheduler", "cluster")

Lines = dict[MetricFamily, list[str]]
T = TypeVar("T")


def is_excluded(family: MetricFamily, exclude: str | None) -> bool:
    """Return whether a pattern matches the whole name of a family."""
    return exclude is not None and re.fullmatch(exclude, family.name) is not None


def render(scheduler: tuple[str, str], samples: Iterable[Sample], exclude: str | None) -> Lines:
    """Write the samples of a scheduler, by family.

    `exclude` matches the whole names of families that are left out.
    """
    forms: dict[MetricFamily, str | None] = {}
    lines: Lines = {}
    for family, values, number in samples:
        if family not in forms:
            forms[family] = _form(scheduler, family, exclude)
            lines[family] = []
        if (form := forms[family]) is not None:
            shown = "+Inf" if number == math.inf else number
            lines[family].append(form % (*map(escaped, values), shown))
    return lines


def render_named(
    scheduler: tuple[str, str],
    named: Mapping[str, T],
    samples: Callable[[T], Iterable[Sample]],
    exclude: str | None,
) -> Lines:
    """Write the samples of each thing, by family; its name is the first of a family's own labels.

    `samples` gives those of one thing, without its name. They are formatted once for all that are
    the same object, as equal nodes of a snapshot are: only their names differ.
    """
    lines: Lines = {}
    formatted: dict[int, list[tuple[list[str], str, str]]] = {}
    for name, thing in named.items():
        parts = formatted.get(id(thing))
        if parts is None:
            parts = formatted[id(thing)] = [
                (
                    lines.setdefault(family, []),
                    f'{head},{family.labels[2]}="',
                    f'"{_pairs(family.labels[3:], values)}}} {number}\n',
                )
                for family, values, number in samples(thing)
                if (head := _head(scheduler, family, exclude)) is not None
            ]
        escaped_name = escaped(name)
        for of_family, before, behind in parts:
            of_family.append(f"{before}{escaped_name}{behind}")
    return lines


def joined(lines: Lines) -> dict[MetricFamily, bytes]:
    """Join the lines of each family, and drop them: as one text they take half the memory."""
    text = {}
    while lines:
        family, of_family = lines.popitem()
        if of_family:
            text[family] = "".join(of_family).encode()
    return text


def _head(scheduler: tuple[str, str], family: MetricFamily, exclude: str | None) -> str | None:
    """Return what lines of a family begin with; None where it is left out."""
    if is_excluded(family, exclude):
        return None
    return family.name + labels(zip(SCHEDULER_LABELS, scheduler, strict=True))[:-1]


def _form(scheduler: tuple[str, str], family: MetricFamily, exclude: str | None) -> str | None:
    """Return a line of a family without the values of its own labels and its number, for `%`."""
    head = _head(scheduler, family, exclude)
    if head is None:
        return None
    own = "".join(f',{name}="%s"' for name in family.labels[len(SCHEDULER_LABELS) :])
    return f"{head.replace('%', '%%')}{own}}} %s\n"


def _pairs(names: Iterable[str], values: Iterable[str]) -> str:
    """Format labels that follow others."""
    pairs = zip(names, values, strict=True)
    return "".join(f',{name}="{escaped(value)}"' for name, value in pairs)
