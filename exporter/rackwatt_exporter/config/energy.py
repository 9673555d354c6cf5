"""Resolved configuration of the division of a node's energy."""

from dataclasses import dataclass, field
from typing import Literal

from rackwatt_crds.node.energy import EnergyModel
from rackwatt_crds.powertarget import PowerTargetSpec
from rackwatt_exporter.config.schedule import Schedule, schedule

Idle = Literal["allocated", "equal", "none"]
Gpus = Literal["auto", "included", "separate"]

AUTO = "auto"
_PER_THOUSAND = 1000


@dataclass(frozen=True, slots=True)
class Division:
    """How energy is divided: weights of CPU time and memory, and who is charged with idling.

    `gpus` says whether a source of the whole node measures GPUs, too. `idle_watts` is None where it
    is to be fitted.
    """

    cpu: int = 900
    memory: int = 100
    idle: Idle = "allocated"
    gpus: Gpus = "auto"
    idle_watts: float | None = None


@dataclass(frozen=True, slots=True)
class EnergyConfig:
    """Configuration of the ledger of this machine.

    `source` is the collector that measures the node, or `auto`. Without `is_required`, a machine
    whose power nothing measures has not failed: its units are measured all the same.
    """

    document: str
    schedule: Schedule = field(default_factory=Schedule)
    source: str = AUTO
    division: Division = field(default_factory=Division)
    is_required: bool = True

    @property
    def key(self) -> str:
        """The key: a machine has one ledger."""
        return "energy"

    @property
    def stale_after_s(self) -> float:
        """Age in seconds at which its result is withdrawn."""
        return self.schedule.stale_after_s


def energy_config(document: str, spec: PowerTargetSpec) -> EnergyConfig | None:
    """Return the ledger that a PowerTarget wants; None where it wants none.

    Raises:
        ValueError: `staleAfter` is shorter than the interval; the message has the path.
    """
    node = spec.node
    if node is None or (node.energy is None and node.units is None):
        return None
    source = (node.energy.source if node.energy else None) or AUTO
    model = (node.energy.model if node.energy else None) or EnergyModel()
    is_required = node.energy is not None
    return EnergyConfig(document, schedule(spec), source, division(model), is_required)


def division(model: EnergyModel) -> Division:
    """Return the division of a model, with its defaults."""
    default = Division()
    cpu = default.cpu if model.cpu is None else round(model.cpu * _PER_THOUSAND)
    memory = default.memory if model.memory is None else round(model.memory * _PER_THOUSAND)
    return Division(
        cpu, memory, model.idle or default.idle, model.gpu or default.gpus, model.idle_watts
    )
