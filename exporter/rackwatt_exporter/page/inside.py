"""The families of this machine's collectors and of the grid (families.py has the others)."""

from collections.abc import Mapping
from types import MappingProxyType

from rackwatt_exporter.collectors.collector import Quantity
from rackwatt_exporter.page.family import Family
from rackwatt_exporter.page.health import Health

_DOMAIN = ("node", "source", "domain", "zone")

DOMAIN_POWER = Family(
    "rackwatt_node_domain_power_watts",
    "gauge",
    "Mean power of a part of the node since the reading before. Only package and dram add up.",
    _DOMAIN,
    "watts",
)
DOMAIN_ENERGY = Family(
    "rackwatt_node_domain_energy_joules_total",
    "counter",
    "Energy of a part of the node by its own counter, wraps undone. Only package and dram add up.",
    _DOMAIN,
    "joules",
)
DOMAIN_COVERED = Family(
    "rackwatt_node_domain_energy_covered_seconds_total",
    "counter",
    "Time that the joules stand for; the rest was not seen and is not guessed.",
    _DOMAIN,
    "seconds",
)
MEASURED: Mapping[Quantity, Family] = MappingProxyType(
    {
        Quantity.CPU_SECONDS: Family(
            "rackwatt_node_cpu_seconds_total",
            "counter",
            "Time of all processors together, by what they did; the modes add up to all of it.",
            ("node", "mode"),
            "seconds",
        ),
        Quantity.CPU_GUEST_SECONDS: Family(
            "rackwatt_node_cpu_guest_seconds_total",
            "counter",
            "Time of virtual machines, within the same mode of rackwatt_node_cpu_seconds_total.",
            ("node", "mode"),
            "seconds",
        ),
        Quantity.CPUS: Family(
            "rackwatt_node_cpus", "gauge", "Processors that are online.", ("node",)
        ),
    }
)
COLLECTOR = Health.of("collector", ("node", "collector"))
INTENSITY = Family(
    "rackwatt_grid_carbon_intensity_grams_per_joule",
    "gauge",
    "Carbon dioxide equivalent of a joule from the grid; times 3.6e6 it is grams per kWh.",
    ("zone", "provider"),
    "grams_per_joule",
)
GRID = Health.of("grid", ("zone", "provider"))

PER_MACHINE = (DOMAIN_POWER, DOMAIN_ENERGY, DOMAIN_COVERED, *MEASURED.values(), *COLLECTOR)
PER_FEED = (INTENSITY, *GRID)
