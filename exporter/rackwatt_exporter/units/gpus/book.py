"""Claims of GPUs by the units of all managers of this machine, and the GPUs that there are.

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
        self._shares: dict[UnitKey, tuple[UnitGpu, ...]] | None = None

    def put(
        self, manager: str, holdings: Mapping[UnitKey, Sequence[Holding]]
    ) -> Mapping[UnitKey, tuple[UnitGpu, ...]]:
        """Note what the units of a manager hold now, and return the shares of all units.

        They are worked out where `holdings` is another object than before.
        """
        if self._holdings.get(manager) is not holdings:
            self._holdings[manager], self._shares = holdings, None
        if self._shares is None:
            held = {unit: each for every in self._holdings.values() for unit, each in every.items()}
            self._shares = {unit: tuple(map(_plain, of)) for unit, of in shares(held).items()}
        return self._shares

    def forget(self, manager: str) -> None:
        """Note that a manager is no longer read."""
        self._holdings.pop(manager, None)
        self._shares = None


def _plain(one: GpuShare) -> UnitGpu:
    uuid, instance = one.device.key
    return UnitGpu(str(one.device.gpu.index), uuid, instance, one.share)
