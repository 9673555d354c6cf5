"""The pipeline of the ledger: one record, of this machine's energy by who used it."""

import time
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

from rackwatt_exporter.config.energy import EnergyConfig
from rackwatt_exporter.config.fleet import Fleet
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.metrics.text import FamilyLines
from rackwatt_exporter.pipelines.energy.families import HEALTH, energy_lines
from rackwatt_exporter.pipelines.energy.last_hour import LastHour
from rackwatt_exporter.pipelines.energy.node_use import NodeUse
from rackwatt_exporter.pipelines.energy.source import EnergyView, NodeEnergy
from rackwatt_exporter.pipelines.energy.state_file import EnergyStateFile
from rackwatt_exporter.pipelines.health import rounded
from rackwatt_exporter.pipelines.pipeline import Pipeline, Subject, scheduled
from rackwatt_exporter.polling.schedule import PollSchedule
from rackwatt_exporter.reading import ReadError
from rackwatt_exporter.store.collectors import CollectorStore, boot_id
from rackwatt_exporter.store.store import Record, Store
from rackwatt_exporter.store.units import UnitStore

# Often enough that no reading of a collector is forgotten before it is used.
_MAX_INTERVAL_S = 30.0


EnergyRecord: TypeAlias = Record[EnergyConfig, EnergyView]


class EnergyStore(Store[EnergyConfig, EnergyView]):
    """The ledger as it was read last, and its last hour with the names of its units."""

    def __init__(self, units: UnitStore, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self.last_hour = LastHour()
        self._units = units

    def _accept(self, record: EnergyRecord, value: EnergyView, took_s: float) -> None:
        """Put the ledger into its record, and into the last hour."""
        super()._accept(record, value, took_s)
        self.last_hour.observe(self._clock(), value, self._units.readings())

    def _problem(self, value: EnergyView) -> ReadError | None:
        return value.error


class EnergyPipeline(Pipeline[EnergyConfig, EnergyView]):
    """The ledger of this machine."""

    name = "energy"
    noun = "energy ledger"
    is_derived = True
    store: EnergyStore

    def __init__(
        self,
        store: EnergyStore,
        host: HostPaths,
        collectors: CollectorStore,
        units: UnitStore,
        directory: Path | None,
    ) -> None:
        super().__init__(store)
        self._host = host
        self._collectors = collectors
        self._units = units
        self._file = EnergyStateFile(directory)

    def specs(self, fleet: Fleet) -> Mapping[str, EnergyConfig]:
        """Return the ledger, where a document wants it."""
        return fleet.energy

    def source(self, spec: EnergyConfig) -> NodeEnergy:
        """Make what advances the ledger; it reads the file of the ledger."""
        return NodeEnergy(
            spec,
            self._collectors,
            self._units,
            NodeUse(self._host),
            self._file,
            boot_id(),
        )

    def identity(self, spec: EnergyConfig) -> object:
        """Return how the energy is measured and divided."""
        return spec.source, spec.division, spec.is_required

    def pace(self, spec: EnergyConfig) -> PollSchedule:
        """Return how often the ledger is advanced."""
        return scheduled(spec.schedule, _MAX_INTERVAL_S)

    def subject(self, spec: EnergyConfig) -> Subject:
        """Name this node, and the source that is wanted as the method."""
        return Subject(self._host.node, "", spec.source)

    def families(self, now_s: float) -> Iterator[FamilyLines]:
        """Go through the families of the ledger, and health."""
        node, records = self._host.node, self.store.records.values()
        views = [record.value for record in records if record.value is not None]
        lines = chain.from_iterable(energy_lines(node, view) for view in views)
        return chain(lines, HEALTH.lines([((node,), record) for record in records], now_s))

    def describe(self, record: EnergyRecord) -> dict[str, Any]:
        """Return the source, the idle power, and how the energy was divided."""
        view = record.value
        known: dict[str, Any] = {"powertarget": record.spec.document, "node": self._host.node}
        if view is None:
            return known
        return {
            **known,
            "source": view.source or None,
            "gpus": view.gpus or None,
            "idle_watts": rounded(view.idle_watts),
            "measured_joules": rounded(view.measured),
            "units_joules": rounded(view.units_total),
            "idle_joules": rounded(view.idle),
            "system_joules": rounded(view.system),
            "unattributed_joules": rounded(view.unattributed),
            "imbalance_joules": rounded(view.imbalance),
            "covered_s": rounded(view.covered_s),
        }

    def found(self, record: EnergyRecord) -> str | None:
        """Return what measures the node, and how much it has measured."""
        view = record.value
        if view is None or not view.source:
            return None
        return (
            f"{view.measured:,.0f} J by {view.source}, {view.units_total:,.0f} J of them by units"
        )

    def problem(self, value: EnergyView) -> ReadError | None:
        """Return why nothing is measured."""
        return value.error

    def summary(self, value: EnergyView) -> str | None:
        """Return what measures the node."""
        if value.source:
            return f"measured by {value.source}; GPUs {value.gpus}"
        if value.awaited:
            return f"to be measured by {value.awaited}, from its second reading on"
        return "nothing measures the power of this node"
