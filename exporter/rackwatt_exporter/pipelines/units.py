"""The pipeline of this machine's units: one record for each manager."""

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

from rackwatt_crds.wording import counted
from rackwatt_exporter.config.fleet import Fleet
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.units import UnitsConfig
from rackwatt_exporter.metrics.health import HealthFamilies
from rackwatt_exporter.metrics.text import FamilyLines, line
from rackwatt_exporter.pipelines.pipeline import Measured, Pipeline, Subject, scheduled
from rackwatt_exporter.polling.schedule import PollSchedule
from rackwatt_exporter.reading import ReadError
from rackwatt_exporter.store.units import UnitsRecord, UnitStore
from rackwatt_exporter.units import families as f
from rackwatt_exporter.units.gpus.book import GpuBook, Inventory
from rackwatt_exporter.units.model import UnitsResult
from rackwatt_exporter.units.processes import ProcessGroup
from rackwatt_exporter.units.registry import unit_source
from rackwatt_exporter.units.text import UnitText

if TYPE_CHECKING:
    from rackwatt_exporter.units.source import UnitSource

HEALTH = HealthFamilies.of("unit_manager", ("node", "manager"))
FAMILIES = (*f.FAMILIES, *HEALTH)


class UnitPipeline(Pipeline[UnitsConfig, UnitsResult]):
    """The units of every manager of this machine."""

    name = "units"
    noun = "unit manager"
    store: UnitStore

    def __init__(self, store: UnitStore, host: HostPaths, inventory: Inventory) -> None:
        super().__init__(store)
        self._book = GpuBook(inventory)
        self._host = host
        self._sources: dict[str, UnitSource] = {}
        self._text = UnitText(store.node)

    def specs(self, fleet: Fleet) -> Mapping[str, UnitsConfig]:
        """Return the managers that the documents want, by name."""
        return fleet.units

    def source(self, spec: UnitsConfig) -> "UnitSource":
        """Make the source of a manager's units."""
        made = self._sources[spec.manager] = unit_source(spec, self._host, self._book)
        return made

    def places(self) -> list[ProcessGroup]:
        """Return the units that run now, and where their control groups are."""
        return [
            ProcessGroup(group.key.unit, group.paths[0])
            for manager in self.store.records
            if (source := self._sources.get(manager)) is not None
            for group in source.groups.values()
            if group.is_unit and group.paths
        ]

    def identity(self, spec: UnitsConfig) -> object:
        """Return its name and settings."""
        return spec.manager, spec.settings

    def pace(self, spec: UnitsConfig) -> PollSchedule:
        """Return how often it is polled."""
        return scheduled(spec.schedule)

    def subject(self, spec: UnitsConfig) -> Subject:
        """Name this node, and the manager as the method."""
        return Subject(self.store.node, "", spec.manager)

    def families(self, now_s: float) -> Iterator[FamilyLines]:
        """Go through the units by family, how many there are, and health."""
        node, records = self.store.node, self.store.records
        if not records:
            return iter(())
        counts = [
            line(f.UNITS, (node, manager), len(record.value.units))
            for manager, record in records.items()
            if record.value is not None
        ]
        text = self._text.lines(list(self.store.readings()))
        self.store.mark_shown()
        polled = [((node, manager), record) for manager, record in records.items()]
        return chain([(f.UNITS, counts)], text, HEALTH.lines(polled, now_s))

    def describe(self, record: UnitsRecord) -> dict[str, Any]:
        """Return its node, and how many units there are."""
        return {
            "manager": record.spec.manager,
            "powertarget": record.spec.document,
            "node": self.store.node,
            "units": len(record.value.units) if record.value else None,
        }

    def found(self, record: UnitsRecord) -> str | None:
        """Return how many units there are."""
        return self.summary(record.value) if record.value else None

    def measured(self) -> Iterator[Measured]:
        """Count each manager as a target without watts."""
        for record in self.store.records.values():
            yield Measured(record.spec.document, record.up, record if record.error else None)

    def problem(self, value: UnitsResult) -> ReadError | None:
        """Return why a part is missing."""
        return value.error

    def summary(self, value: UnitsResult) -> str:
        """Return how many units there are."""
        return counted(len(value.units), "unit")

    def note(self, value: UnitsResult) -> str | None:
        """Return which control groups are not there yet, and why users are unknown."""
        absent = f"there is no control group {value.waits_for} yet" if value.waits_for else None
        return "; ".join(filter(None, (absent, value.unknown))) or None
