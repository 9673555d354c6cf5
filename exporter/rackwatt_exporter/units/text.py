"""Lines of units, each family as one text: what a scrape costs goes with the number of lines.

The labels of a unit are written once for all of its lines. What is unknown has no line.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import attrgetter

from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.metrics.text import FamilyLines, escaped
from rackwatt_exporter.units import families as f
from rackwatt_exporter.units.model import UnitKey, UnitReading

_PER_PART = 400
_LIMITS = frozenset({f.MEMORY_LIMIT, f.SWAP_LIMIT})


class UnitText:
    """The text of units; it keeps their labels between pages."""

    def __init__(self, node: str) -> None:
        self._node = escaped(node)
        self._labels: dict[UnitKey, str] = {}

    def lines(self, readings: Sequence[UnitReading]) -> Iterator[FamilyLines]:
        """Go through the families of units, but for how many there are."""
        known = self._labels
        self._labels = {one.key: known.get(one.key) or self._labels_of(one.key) for one in readings}
        units = list(zip(self._labels.values(), readings, strict=True))
        yield _lines(f.INFO, _info(units))
        yield _lines(f.CPU, _cpu(units))
        for family, field in f.SINGLE.items():
            values = map(attrgetter(field), readings)
            yield _lines(family, _single(family, self._labels.values(), values))
        yield from _pressures(units)
        yield from _devices(units)
        yield _lines(f.GPU_SHARE, _gpus(units))
        yield from _steps(units)

    def _labels_of(self, key: UnitKey) -> str:
        """Return the labels of a unit, without the end: further ones may follow."""
        manager, unit = escaped(key.manager), escaped(key.unit)
        return f'{{node="{self._node}",manager="{manager}",unit="{unit}"'


_Units = Sequence[tuple[str, UnitReading]]


def _lines(family: MetricFamily, lines: Iterable[str]) -> FamilyLines:
    """Join lines to parts, each small enough to lie in memory that the last page has left."""
    waiting = iter(lines)
    return family, [
        "".join(part).encode() for part in iter(lambda: list(islice(waiting, _PER_PART)), [])
    ]


def _single(
    family: MetricFamily, labels: Iterable[str], values: Iterable[float | None]
) -> Iterator[str]:
    name = family.name
    known = ((own, value) for own, value in zip(labels, values, strict=True) if value is not None)
    if family in _LIMITS:
        return (f"{name}{own}}} {_limit(value)}\n" for own, value in known)
    return (f"{name}{own}}} {value}\n" for own, value in known)


def _limit(value: float) -> str:
    return "+Inf" if value == math.inf else str(value)


def _info(units: _Units) -> Iterator[str]:
    names = f.INFO.labels[len(f.UNIT) :]
    for own, one in units:
        pairs = "".join(
            f',{name}="{escaped(value)}"' for name, value in zip(names, one.info, strict=True)
        )
        yield f"{f.INFO.name}{own}{pairs}}} 1\n"


def _cpu(units: _Units) -> Iterator[str]:
    name = f.CPU.name
    for own, one in units:
        if one.user_s is not None:
            yield (
                f'{name}{own},mode="user"}} {one.user_s}\n'
                f'{name}{own},mode="system"}} {one.system_s}\n'
            )


def _pressures(units: _Units) -> Iterator[FamilyLines]:
    known = [
        (own, resource, pressure)
        for resource, field in f.PRESSURES.items()
        for own, one in units
        if (pressure := getattr(one, field)) is not None
    ]
    for family, index in ((f.WAITING, 0), (f.STALLED, 1)):
        name = family.name
        yield _lines(
            family,
            (
                f'{name}{own},resource="{resource}"}} {pressure[index]}\n'
                for own, resource, pressure in known
                if pressure[index] is not None
            ),
        )


def _devices(units: _Units) -> Iterator[FamilyLines]:
    blocks = [(own, use, escaped(use.device)) for own, one in units for use in one.blocks]
    for family, index in f.BLOCKS.items():
        name = family.name
        yield _lines(
            family,
            (f'{name}{own},device="{device}"}} {use[index]}\n' for own, use, device in blocks),
        )
    rdma = [(own, use, escaped(use.device)) for own, one in units for use in one.rdma]
    for family, index in f.RDMA.items():
        name = family.name
        yield _lines(
            family,
            (f'{name}{own},device="{device}"}} {use[index]}\n' for own, use, device in rdma),
        )


def _gpus(units: _Units) -> Iterator[str]:
    for own, one in units:
        for gpu in one.gpus:
            labels = f'gpu="{gpu.ordinal}",gpu_uuid="{escaped(gpu.uuid)}"'
            instance = escaped(gpu.instance)
            yield f'{f.GPU_SHARE.name}{own},{labels},instance="{instance}"}} {gpu.share}\n'


def _steps(units: _Units) -> Iterator[FamilyLines]:
    steps = [
        (f'{own},step="{escaped(step.step)}"', step) for own, one in units for step in one.steps
    ]
    name = f.STEP_CPU.name
    yield _lines(
        f.STEP_CPU,
        (
            f'{name}{own},mode="{mode}"}} {value}\n'
            for own, step in steps
            for mode, value in (("user", step.user_s), ("system", step.system_s))
            if value is not None
        ),
    )
    for family, field in f.STEPS.items():
        values = map(attrgetter(field), (step for _, step in steps))
        yield _lines(family, _single(family, (own for own, _ in steps), values))
