"""Families of CEEMS for what collectors read: CPU, memory, and the sources of power.

The collectors hwmon, netdev and infiniband came after 0.5.
"""

from rackwatt_exporter.collectors import cpu, cray
from rackwatt_exporter.collectors.bmc_statistics import POWER as BMC_POWER
from rackwatt_exporter.collectors.power_limits import POWER_LIMIT
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.profiles.ceems.families import family
from rackwatt_exporter.profiles.lines import ProfileLines
from rackwatt_exporter.profiles.node import NodeStores
from rackwatt_exporter.profiles.rapl import rapl_zones

HOST = ("hostname",)
CPU_SECONDS = family("counter", "cpu_seconds_total", "CPU time by mode.", *HOST, "mode")
CPU_COUNT = family("gauge", "cpu_count", "Number of logical CPUs.", *HOST)
SIZES = ("MemTotal", "MemFree", "MemAvailable")
MEMORY = {
    name: family("gauge", f"meminfo_{name}_bytes", f"{name} of /proc/meminfo.", *HOST)
    for name in SIZES
}
_ZONE = (*HOST, "index", "path")
# What the kernel calls zones; any other has no family here.
RAPL = {
    kind: (
        family("counter", f"rapl_{kind}_joules_total", f"Energy of {kind} zones.", *_ZONE),
        family("counter", f"rapl_{kind}_power_limit_watts_total", "Long-term limit.", *_ZONE),
    )
    for kind in ("package", "core", "uncore", "dram", "psys")
}
_PART = (*HOST, "domain")
CRAY_ENERGY = family("gauge", "cray_pm_counters_energy_joules", "Energy of the part.", *_PART)
CRAY_POWER = family("gauge", "cray_pm_counters_power_watts", "Power of the part.", *_PART)
CRAY_LIMIT = family("gauge", "cray_pm_counters_power_limit_watts", "Limit of the part.", *_PART)
CRAY_TEMPERATURE = family("gauge", "cray_pm_counters_temp_celsius", "Its temperature.", *_PART)
STATISTICS = {"minimum": "min", "maximum": "max", "average": "avg"}
_NAMES = ("current", *STATISTICS.values())
IPMI = {
    name: family("gauge", f"ipmi_dcmi_{name}_watts", f"Power by DCMI: {name}.", *HOST)
    for name in _NAMES
}
REDFISH = {
    name: family("gauge", f"redfish_{name}_watts", f"Power by Redfish: {name}.", *HOST, "chassis")
    for name in _NAMES
}
FAMILIES = (
    CPU_SECONDS,
    CPU_COUNT,
    *MEMORY.values(),
    *(one for pair in RAPL.values() for one in pair),
    CRAY_ENERGY,
    CRAY_POWER,
    CRAY_LIMIT,
    CRAY_TEMPERATURE,
    *IPMI.values(),
    *REDFISH.values(),
)


def add_sources(stores: NodeStores, lines: ProfileLines) -> None:
    """Add the lines of all collectors that both versions have."""
    host = (stores.node,)
    for sample in stores.of_family("cpu", cpu.SECONDS):
        lines.add(CPU_SECONDS, (*host, *sample.labels), sample.value)
    for sample in stores.of_family("cpu", cpu.CPUS):
        lines.add(CPU_COUNT, host, sample.value)
    for name, one in MEMORY.items():
        lines.add(one, host, stores.memory(name))
    for zone in rapl_zones(stores):
        if zone.kind in RAPL:
            energy, limit = RAPL[zone.kind]
            lines.add(energy, (*host, zone.number, zone.path), zone.joules)
            lines.add(limit, (*host, zone.number, zone.path), zone.limit_watts)
    _add_cray(stores, lines)
    _add_bmc(stores, "ipmi", lines, IPMI, host)
    _add_bmc(stores, "redfish", lines, REDFISH, (*host, ""))


def _add_cray(stores: NodeStores, lines: ProfileLines) -> None:
    result = stores.result("cray")
    for energy in result.energies if result is not None else ():
        lines.add(CRAY_ENERGY, (stores.node, energy.zone), energy.joules)
    named = {cray.POWER: (CRAY_POWER, 0), cray.TEMPERATURE: (CRAY_TEMPERATURE, 0)}
    named[POWER_LIMIT] = (CRAY_LIMIT, 2)
    for sample in stores.samples("cray"):
        one, zone = named[sample.family]
        lines.add(one, (stores.node, sample.labels[zone]), sample.value)


def _add_bmc(
    stores: NodeStores,
    collector: str,
    lines: ProfileLines,
    families: dict[str, MetricFamily],
    labels: tuple[str, ...],
) -> None:
    lines.add(families["current"], labels, stores.watts(collector))
    for sample in stores.of_family(collector, BMC_POWER):
        lines.add(families[STATISTICS[sample.labels[1]]], labels, sample.value)
