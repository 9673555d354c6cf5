"""What all managers of this machine say that their units hold, and the GPUs that there are.

One board may be held by units of two managers, whose shares are scaled down together.
"""

from collections.abc import Callable, Mapping, Sequence

from rackwatt_exporter.gpu import Gpu
from rackwatt_exporter.units.gpus.shares import GpuShare, Holding, shares
from rackwatt_exporter.units.model import UnitGpu, UnitKey

Inventory = Callable[[], Sequence[Gpu]]


def no_gpus() -> Sequence[Gpu]:
    """Return no GPU: no collector looks for them."""
    return ()


class GpuBook:
    """The holdings of each manager, by units."""

    def __init__(self, inventory: Inventory = no_gpus) -> None:
        self.inventory = inventory
        self._holdings: dict[str, Mapping[UnitKey, Sequence[Holding]]] = {}

    def put(
        self, manager: str, holdings: Mapping[UnitKey, Sequence[Holding]]
    ) -> dict[UnitKey, tuple[UnitGpu, ...]]:
        """Note what the units of a manager hold now, and return their shares."""
        self._holdings[manager] = holdings
        held = {unit: each for every in self._holdings.values() for unit, each in every.items()}
        found = shares(held)
        return {unit: tuple(map(_plain, found[unit])) for unit in holdings if unit in found}

    def forget(self, manager: str) -> None:
        """Note that a manager is no longer read."""
        self._holdings.pop(manager, None)


def _plain(one: GpuShare) -> UnitGpu:
    uuid, instance = one.device.key
    return UnitGpu(str(one.device.gpu.index), uuid, instance, one.share)
