"""Registry of the ways to find the GPUs of each manager's units."""

from rackwatt_crds.node.units import SlurmUnits
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.units import UnitsConfig
from rackwatt_exporter.units.gpus.book import GpuBook
from rackwatt_exporter.units.gpus.claimed import EnvironmentClaims
from rackwatt_exporter.units.gpus.claims import job_claim
from rackwatt_exporter.units.gpus.containers import device_files, pod_claim
from rackwatt_exporter.units.gpus.passthrough import LibvirtGpus
from rackwatt_exporter.units.gpus.pbs import pbs_claim
from rackwatt_exporter.units.gpus.slurm import SlurmGpus
from rackwatt_exporter.units.gpus.unit_gpus import EnvironmentGpus, GpuFinder, UnitGpus


def unit_gpus(config: UnitsConfig, host: HostPaths, book: GpuBook) -> UnitGpus:
    """Return the GPUs of the units of a manager; nothing is read yet."""
    return UnitGpus(config.manager, _finder(config, host), book)


def _finder(config: UnitsConfig, host: HostPaths) -> GpuFinder:
    if isinstance(config.settings, SlurmUnits):
        return SlurmGpus(host, config.settings)
    if config.manager == "libvirt":
        return LibvirtGpus(host)
    if config.manager == "kubernetes":
        claims = EnvironmentClaims(
            host.procfs, lambda read: pod_claim(read.found, read.files), device_files
        )
    elif config.manager == "pbs":
        claims = EnvironmentClaims(
            host.procfs, lambda read: pbs_claim(read.found, host.node, host.rootfs)
        )
    else:
        claims = EnvironmentClaims(host.procfs, lambda read: job_claim(read.found))
    return EnvironmentGpus(claims, host.procfs)
