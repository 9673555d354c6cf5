"""Shares of GPUs that units hold: of each board at most all of it, whatever they claim.

A device that one unit holds is its own. Where several do, each has what it was given of it, by
shards or a percentage, and without these an equal part; what is claimed beyond the whole is scaled
down. The share of an instance is that of its board, by multiprocessors.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

from rackwatt_exporter.units.gpus.devices import GpuDevice

U = TypeVar("U")


class Holding(NamedTuple):
    """A device that a unit holds, and the part of it that it was given; 1 is all of it."""

    device: GpuDevice
    part: float = 1.0


class GpuShare(NamedTuple):
    """A device that a unit holds, and its share of the board."""

    device: GpuDevice
    share: float


def shares(holdings: Mapping[U, Iterable[Holding]]) -> dict[U, list[GpuShare]]:
    """Return the shares of each unit that holds any; a device of unknown size has none."""
    parts: dict[tuple[str, str], dict[U, float]] = defaultdict(dict)
    devices: dict[tuple[str, str], GpuDevice] = {}
    for unit, held in holdings.items():
        for device, part in held:
            devices[device.key] = device
            parts[device.key][unit] = max(parts[device.key].get(unit, 0.0), part)
    found: dict[U, list[GpuShare]] = defaultdict(list)
    for key in sorted(parts, key=lambda key: (devices[key].gpu.index, key)):
        device, fraction = devices[key], devices[key].fraction
        total = max(sum(parts[key].values()), 1.0)
        for unit, part in parts[key].items():
            if fraction is not None and part > 0:
                found[unit].append(GpuShare(device, fraction * part / total))
    return dict(found)
