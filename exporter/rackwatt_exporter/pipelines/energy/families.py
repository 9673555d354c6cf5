"""Families of the ledger of this machine's energy.

Energy and the time that it covers have the families of targets, because they are the same: the
energy of a node. Here it is divided by the label `part`.
"""

from collections.abc import Iterator
from dataclasses import replace

from rackwatt_exporter.exposition.families import COVERED, ENERGY
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.metrics.health import HealthFamilies
from rackwatt_exporter.metrics.text import FamilyLines, line
from rackwatt_exporter.pipelines.energy.source import EnergyView

_UNIT = ("node", "manager", "unit")

UNIT_ENERGY = MetricFamily(
    "rackwatt_unit_energy_joules_total",
    "counter",
    "Total energy of a job, virtual machine or pod on this node.",
    _UNIT,
    "joules",
)
UNIT_POWER = MetricFamily(
    "rackwatt_unit_power_watts",
    "gauge",
    "Average power of a job, virtual machine or pod on this node over the last interval.",
    _UNIT,
    "watts",
)
# The lines of the families of targets that a ledger has.
_PART = replace(ENERGY, labels=("node", "part"))
_COVERED = replace(COVERED, labels=("node",))
MEASURED = MetricFamily(
    "rackwatt_node_measured_energy_joules_total",
    "counter",
    "Total energy of the node as its best source measured it.",
    ("node",),
    "joules",
)
IMBALANCE = MetricFamily(
    "rackwatt_node_energy_imbalance_joules",
    "gauge",
    "Energy that was measured and is in no part. Always 0: anything else is a defect of Rackwatt.",
    ("node",),
    "joules",
)
IDLE_POWER = MetricFamily(
    "rackwatt_node_idle_power_watts",
    "gauge",
    "Power of the idle node without its GPUs, configured or fitted; absent while it is unknown.",
    ("node",),
    "watts",
)
SOURCE = MetricFamily(
    "rackwatt_node_energy_source_info",
    "gauge",
    "1 for the source that measures the node; gpus is whether it includes the GPU boards, or none "
    "where no collector has found any.",
    ("node", "source", "gpus"),
)
HEALTH = HealthFamilies.of("energy", ("node",))
FAMILIES = (
    UNIT_ENERGY, UNIT_POWER, MEASURED, IMBALANCE, IDLE_POWER, SOURCE,
    *HEALTH,
)  # fmt: skip


def energy_lines(node: str, view: EnergyView) -> Iterator[FamilyLines]:
    """Go through the families of a ledger; numbers of joules have all of their microjoules."""
    units = view.units.items()
    yield (
        UNIT_ENERGY,
        [line(UNIT_ENERGY, (node, *key), f"{unit.joules:.6f}") for key, unit in units],
    )
    known = [(key, unit.watts) for key, unit in units if unit.watts is not None]
    yield UNIT_POWER, [line(UNIT_POWER, (node, *key), f"{watts:.3f}") for key, watts in known]
    parts = {
        "units": view.units_total,
        "idle": view.idle,
        "system": view.system,
        "unattributed": view.unattributed,
    }
    yield (
        ENERGY,
        [line(_PART, (node, part), f"{joules:.6f}") for part, joules in parts.items()],
    )
    yield MEASURED, [line(MEASURED, (node,), f"{view.measured:.6f}")]
    yield COVERED, [line(_COVERED, (node,), f"{view.covered_s:.3f}")]
    yield IMBALANCE, [line(IMBALANCE, (node,), f"{view.imbalance:.6f}")]
    if view.idle_watts is not None:
        yield IDLE_POWER, [line(IDLE_POWER, (node,), f"{view.idle_watts:.3f}")]
    if view.source:
        yield SOURCE, [line(SOURCE, (node, view.source, view.gpus), 1)]
