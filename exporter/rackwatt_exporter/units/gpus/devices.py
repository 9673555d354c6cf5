"""Devices that a unit can hold: a whole GPU, or an instance of one that is partitioned.

A device is found by what identifies it. A partitioned board is never a device: one that is named as
such means all of its instances.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rackwatt_exporter.gpu import Gpu, GpuInstance, bus_id

_UUIDS = ("GPU-", "MIG-")
_MIN_PREFIX = 8  # CUDA accepts the beginning of a UUID, as far as it is unique
_OLD_MIG = "MIG-GPU-"  # MIG-GPU-<uuid>/<gpu instance>/<compute instance>, before R470


class GpuDevice(NamedTuple):
    """A GPU, or an instance of one."""

    gpu: Gpu
    instance: GpuInstance | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Its identity: the UUID of the board, and the name of the instance, if it is one."""
        return self.gpu.uuid, self.instance.name if self.instance else ""

    @property
    def fraction(self) -> float | None:
        """Its part of the board, by multiprocessors; None where these are not known."""
        if self.instance is None:
            return 1.0
        if not self.gpu.compute_units or self.instance.compute_units is None:
            return None
        return min(self.instance.compute_units / self.gpu.compute_units, 1.0)


def devices_of(gpu: Gpu) -> Iterator[GpuDevice]:
    """Go through what can be held of a GPU."""
    if gpu.is_whole:
        yield GpuDevice(gpu)
    for instance in gpu.instances:
        yield GpuDevice(gpu, instance)


def named(name: str, inventory: Sequence[Gpu]) -> list[GpuDevice]:
    """Return the devices that a UUID, the beginning of one, a PCI address or a partition names.

    There are none where it is not of this machine, or not unique.
    """
    if name.startswith(_OLD_MIG):
        return list(_old_mig(name, inventory))
    address = bus_id(name)
    if address is not None:
        return _at(address, inventory)
    by_uuid = dict(_by_uuid(inventory))
    if name in by_uuid or not name.startswith(_UUIDS) or len(name) < _MIN_PREFIX:
        return by_uuid.get(name, [])
    alike = [devices for uuid, devices in by_uuid.items() if uuid.startswith(name)]
    return alike[0] if len(alike) == 1 else []


def _by_uuid(inventory: Iterable[Gpu]) -> Iterator[tuple[str, list[GpuDevice]]]:
    for gpu in inventory:
        yield gpu.uuid, list(devices_of(gpu))
        for instance in gpu.instances:
            yield instance.uuid, [GpuDevice(gpu, instance)]


def _all(inventory: Iterable[Gpu]) -> Iterator[GpuDevice]:
    for gpu in inventory:
        yield from devices_of(gpu)


def _at(address: str, inventory: Iterable[Gpu]) -> list[GpuDevice]:
    """Return what is at a PCI address: of a partition, or of a board."""
    parts = [one for one in _all(inventory) if one.instance and one.instance.bus_id == address]
    boards = (gpu for gpu in inventory if gpu.bus_id == address)
    return parts or [device for gpu in boards for device in devices_of(gpu)]


def _old_mig(name: str, inventory: Iterable[Gpu]) -> Iterator[GpuDevice]:
    uuid, _, numbers = name.removeprefix("MIG-").partition("/")
    gpu_instance, _, compute_instance = numbers.partition("/")
    for device in _all(inventory):
        names = (gpu_instance, f"{gpu_instance}/{compute_instance}")
        if device.gpu.uuid == uuid and device.instance and device.instance.name in names:
            yield device
