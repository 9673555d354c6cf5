"""The registry of pipelines: every kind of thing that is measured, built once."""

from collections.abc import Collection, Iterator
from typing import Any

from rackwatt_crds.wording import counted
from rackwatt_exporter.config.fleet import Fleet
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.pipelines.collectors import CollectorPipeline
from rackwatt_exporter.pipelines.energy.pipeline import EnergyPipeline, EnergyStore
from rackwatt_exporter.pipelines.grid import GridPipeline
from rackwatt_exporter.pipelines.lustre import LustrePipeline, LustreStore
from rackwatt_exporter.pipelines.pipeline import Pipeline
from rackwatt_exporter.pipelines.schedulers import SchedulerPipeline
from rackwatt_exporter.pipelines.targets import TargetPipeline
from rackwatt_exporter.pipelines.units import UnitPipeline
from rackwatt_exporter.profiles.registry import profile_views
from rackwatt_exporter.store.collectors import CollectorStore
from rackwatt_exporter.store.ledger_file import LedgerFile
from rackwatt_exporter.store.node_states import NodeStateStore
from rackwatt_exporter.store.store import Store
from rackwatt_exporter.store.targets import TargetStore
from rackwatt_exporter.store.units import UnitStore


class Registry:
    """All pipelines, in the order in which they are shown.

    Those are named, too, that a page of their own shows: targets are the fleet's; collectors, units
    and energy the node's; other exporters read schedulers, profilers the processes of units.
    """

    def __init__(
        self,
        ledger: LedgerFile,
        secrets: Secrets,
        host: HostPaths,
        profiles: Collection[str] = (),
    ) -> None:
        targets = TargetStore(ledger)
        schedulers = NodeStateStore(targets)
        collectors = CollectorStore(host.node, ledger)
        units = UnitStore(host.node)
        self.targets = TargetPipeline(targets, secrets)
        self.schedulers = SchedulerPipeline(schedulers, secrets, profiles)
        self.collectors = CollectorPipeline(collectors, host, schedulers, targets, secrets)
        self.units = UnitPipeline(units, host, collectors.gpus)
        self.energy = EnergyPipeline(EnergyStore(units), host, collectors, units, ledger.directory)
        self.profiles = profile_views(profiles, collectors, units)
        self._pipelines: tuple[Pipeline[Any, Any], ...] = (
            self.targets,
            self.schedulers,
            LustrePipeline(LustreStore(), schedulers, secrets),
            self.collectors,
            self.units,
            self.energy,
            GridPipeline(Store()),
        )

    def __iter__(self) -> Iterator[Pipeline[Any, Any]]:
        return iter(self._pipelines)

    @property
    def listed(self) -> Iterator[Pipeline[Any, Any]]:
        """All but that of the targets: a page draws the fleet, and lists everything else."""
        return (one for one in self._pipelines if one is not self.targets)

    def sizes(self, fleet: Fleet) -> list[str]:
        """Count what the documents want of each kind that they want any of: `2 targets`."""
        return [
            counted(len(specs), pipeline.noun)
            for pipeline in self._pipelines
            if (specs := pipeline.specs(fleet))
        ]
