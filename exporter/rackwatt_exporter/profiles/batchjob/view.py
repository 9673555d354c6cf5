"""The view of a node as batchjob_exporter has it: jobs of Slurm, RAPL and DCMI.

Its counters of CPU time are gauges and its watts of DCMI counters, by their types as by their
names. Both stay, since queries depend on the names.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from rackwatt_exporter.collectors.bmc_statistics import POWER as BMC_POWER
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.metrics.text import FamilyLines
from rackwatt_exporter.profiles.batchjob.jobuuid import jobuuid
from rackwatt_exporter.profiles.health import collector_health
from rackwatt_exporter.profiles.lines import ProfileLines
from rackwatt_exporter.profiles.node import NodeStores, failures
from rackwatt_exporter.profiles.rapl import rapl_zones
from rackwatt_exporter.units.model import Pressure, UnitReading

MANAGER = "slurm"
_COLLECTORS = frozenset({"slurm", "rapl", "ipmi_dcmi"})
_JOB = ("batch", "hostname", "jobaccount", "jobid", "jobuser", "jobuuid")
_HOST = ("hostname",)


class _JobFamily(NamedTuple):
    family: MetricFamily
    value: Callable[[NodeStores, UnitReading], float | None]


def _of_job(
    name: str, text: str, value: Callable[[NodeStores, UnitReading], float | None]
) -> _JobFamily:
    full = f"batchjob_slurm_job_{name}"
    labels = (*_JOB, "step", "task")
    return _JobFamily(MetricFamily(full, "gauge", text, labels, profile="batchjob"), value)


def _stalled(pressure: Pressure | None) -> float | None:
    return pressure.stalled_s if pressure is not None else None


def _total(_: NodeStores, job: UnitReading) -> float | None:
    return job.cpu_ns / 1e9 if job.cpu_ns is not None else None


JOBS = (
    _of_job("cpu_user_seconds", "CPU time of users.", lambda _, job: job.user_s),
    _of_job("cpu_system_seconds", "CPU time of the kernel.", lambda _, job: job.system_s),
    _of_job("cpu_total_seconds", "CPU time.", _total),
    _of_job(
        "cpu_psi_seconds",
        "Time in which all tasks waited for a CPU.",
        lambda _, job: _stalled(job.cpu_pressure),
    ),
    _of_job("cpus", "Number of CPUs.", lambda _, job: job.cpus),
    _of_job("memory_rss_bytes", "Anonymous memory.", lambda _, job: job.anonymous_bytes),
    _of_job("memory_cache_bytes", "Page cache.", lambda _, job: job.file_bytes),
    _of_job("memory_used_bytes", "All memory.", lambda _, job: job.memory_bytes),
    _of_job("memory_total_bytes", "Limit of memory.", NodeStores.memory_limit),
    _of_job(
        "memory_fail_count", "How often memory was not available.", lambda _, job: failures(job)
    ),
    _of_job(
        "memory_psi_seconds",
        "Time in which all tasks waited for memory.",
        lambda _, job: _stalled(job.memory_pressure),
    ),
    _of_job("memsw_used_bytes", "Swap.", lambda _, job: job.swap_bytes),
    _of_job("memsw_total_bytes", "Limit of swap.", NodeStores.swap_limit),
    _of_job("memsw_fail_count", "How often swap was refused.", lambda _, job: job.swap_failures),
)
GPU = MetricFamily(
    "batchjob_slurm_job_gpu_jobid_flag",
    "gauge",
    "1 for each GPU of a job.",
    ("UUID", "uuid", *_JOB[:2], "index", *_JOB[2:]),
    profile="batchjob",
)
IPMI = {
    name: MetricFamily(
        f"batchjob_ipmi_dcmi_{name}_watts_total",
        "counter",
        f"Power by DCMI: {name}.",
        _HOST,
        profile="batchjob",
    )
    for name in ("current", "min", "max")
}
_STATISTICS = {"minimum": "min", "maximum": "max"}
PACKAGE = MetricFamily(
    "batchjob_rapl_package_joules_total",
    "counter",
    "Energy of a package.",
    (*_HOST, "index", "path"),
    profile="batchjob",
)
DURATION, SUCCESS = (
    MetricFamily(f"batchjob_scrape_collector_{name}", "gauge", text, ("collector",), "", "batchjob")
    for name, text in (
        ("duration_seconds", "How long the last reading took."),
        ("success", "Whether the last reading was complete."),
    )
)
FAMILIES = (*(one.family for one in JOBS), GPU, *IPMI.values(), PACKAGE, DURATION, SUCCESS)


class BatchjobView:
    """One node."""

    def __init__(self, stores: NodeStores) -> None:
        self._stores = stores

    def families(self) -> Iterator[FamilyLines]:
        """Go through the families with their lines."""
        stores, lines = self._stores, ProfileLines()
        jobs = [one for one in stores.units.readings() if one.key.manager == MANAGER]
        labels = [self._labels(one) for one in jobs]
        for family, value in JOBS:
            for who, job in zip(labels, jobs, strict=True):
                lines.add(family, (*who, "", ""), value(stores, job))
        for who, job in zip(labels, jobs, strict=True):
            for gpu in job.gpus:
                lines.add(GPU, (gpu.uuid, gpu.uuid, *who[:2], gpu.ordinal, *who[2:]), 1)
        self._add_node(lines)
        return lines.families()

    def _add_node(self, lines: ProfileLines) -> None:
        stores = self._stores
        lines.add(IPMI["current"], (stores.node,), stores.watts("ipmi"))
        for sample in stores.of_family("ipmi", BMC_POWER):
            if (name := _STATISTICS.get(sample.labels[1])) is not None:
                lines.add(IPMI[name], (stores.node,), sample.value)
        for zone in rapl_zones(stores):
            if zone.kind == "package":
                lines.add(PACKAGE, (stores.node, zone.number, zone.path), zone.joules)
        for one in collector_health(stores):
            if one.name in _COLLECTORS:
                lines.add(DURATION, (one.name,), one.took_s)
                lines.add(SUCCESS, (one.name,), int(one.is_up))

    def _labels(self, one: UnitReading) -> tuple[str, ...]:
        job = one.key.unit.rpartition("/")[2]
        info = one.info
        uuid = jobuuid(job, info.user, info.account, one.nodelist)
        return (MANAGER, self._stores.node, info.account, job, info.user, uuid)


def batchjob(stores: NodeStores) -> BatchjobView:
    """Return the view."""
    return BatchjobView(stores)
