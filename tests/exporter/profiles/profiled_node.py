"""The stores of a node, filled by real collectors and real sources of units over a tree."""

from pathlib import Path

from rackwatt_crds.model import Model
from rackwatt_exporter.collectors.registry import collector
from rackwatt_exporter.config.collector import CollectorConfig
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.units import UnitsConfig
from rackwatt_exporter.profiles.node import NodeStores
from rackwatt_exporter.store.collectors import CollectorStore
from rackwatt_exporter.store.ledger_file import LedgerFile
from rackwatt_exporter.store.units import UnitStore
from rackwatt_exporter.units.gpus.book import GpuBook
from rackwatt_exporter.units.registry import unit_source
from tests.exporter.units.conftest import DEFAULTS

STEP_S = 10.0


class ProfiledNode:
    """A node called vm; each poll is ten seconds after the one before."""

    def __init__(self, root: Path, *collectors: str, **managers: Model | None) -> None:
        self.host = HostPaths("vm", root / "sys", root / "proc", rootfs=root)
        self._now_s = 100.0
        store = CollectorStore("vm", LedgerFile(None), self._clock, self._clock)
        units = UnitStore("vm", self._clock)
        wanted = [CollectorConfig(name, "nodes") for name in collectors]
        held = [
            UnitsConfig(name, "nodes", settings or DEFAULTS[name])
            for name, settings in managers.items()
        ]
        store.sync(wanted)
        units.sync(held)
        self.stores = NodeStores(store, units)
        secrets = Secrets(root / "secrets")
        self.collectors = {one.name: collector(one, self.host, secrets) for one in wanted}
        book = GpuBook(store.gpus)
        self._sources = {one.manager: unit_source(one, self.host, book) for one in held}

    async def poll(self) -> None:
        """Read everything once."""
        self._now_s += STEP_S
        for name, one in self.collectors.items():
            self.stores.collectors.succeeded(name, await one.read(), 0.001)
        for name, source in self._sources.items():
            self.stores.units.succeeded(name, await source.read(), 0.001)

    def pass_s(self, seconds: float) -> None:
        self._now_s += seconds

    async def close(self) -> None:
        for one in self.collectors.values():
            await one.close()
        for source in self._sources.values():
            await source.close()

    def _clock(self) -> float:
        return self._now_s
