"""Devices that a job of Slurm holds: its claim, with the order of the node and its shards.

How many shards a job has on each of its GPUs is not in its variables, so they are divided equally.
"""

from collections.abc import Mapping, Sequence

from rackwatt_exporter.gpu import Gpu
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.units.gpus.claims import GpuClaim
from rackwatt_exporter.units.gpus.devices import GpuDevice, named
from rackwatt_exporter.units.gpus.gres_conf import GresConf
from rackwatt_exporter.units.gpus.order import GpuOrder, MigFile, opened
from rackwatt_exporter.units.gpus.shares import Holding

Capacities = Mapping[tuple[str, str], int]


def capacities(
    gres: GresConf,
    order: GpuOrder,
    minors: Mapping[str, MigFile],
    inventory: Sequence[Gpu],
) -> dict[tuple[str, str], int]:
    """Return how many shards each device has; a line without files is of all of them."""
    found: dict[tuple[str, str], int] = {}
    for files, amount in gres.shards:
        devices = [opened((file,), minors, inventory) for file in files]
        known = [one for one in devices if one] if files else list(order.devices.values())
        if known and len(known) == len(devices or known):
            found |= {device.key: amount // len(known) for device in known}
    return {key: amount for key, amount in found.items() if amount}


def holdings(
    claim: GpuClaim, order: GpuOrder, shards: Capacities, inventory: Sequence[Gpu]
) -> list[Holding]:
    """Return the devices that a claim is of.

    Raises:
        ReadError: absent or member_missing, where one of them is not known.
    """
    if claim.unread:
        raise ReadError(Reason.ABSENT, claim.unread)
    devices = [_numbered(number, order) for number in claim.numbers]
    for name in claim.names:
        found = named(name, inventory)
        if not found:
            message = f"a job holds {name}, which is not in this node"
            raise ReadError(Reason.MEMBER_MISSING, message)
        devices += found
    if claim.shards is not None:
        devices = devices or [_only(order, shards)]
        return [_shared(device, claim.shards / len(devices), shards) for device in devices]
    return [Holding(device, claim.portion or 1.0) for device in devices]


def _numbered(number: int, order: GpuOrder) -> GpuDevice:
    device = order.devices.get(number)
    if device is None:
        message = f"a job holds GPU {number}, and this node has none of that number"
        raise order.problem or ReadError(Reason.MEMBER_MISSING, message)
    return device


def _only(order: GpuOrder, shards: Capacities) -> GpuDevice:
    """Return the only device with shards: a job of Slurm 22.05 does not say which it has."""
    shared = [one for one in order.devices.values() if not shards or one.key in shards]
    if len(shared) != 1:
        message = "a job holds shards, and Slurm does not say of which GPU"
        remedy = "A prolog knows: have it write gpuMapDirectory (docs/node.md)."
        raise order.problem or ReadError(Reason.ABSENT, message, remedy=remedy)
    return shared[0]


def _shared(device: GpuDevice, amount: float, shards: Capacities) -> Holding:
    """Return a part by the shards of the device; without these, as a weight among the jobs."""
    return Holding(device, amount / shards.get(device.key, 1))
