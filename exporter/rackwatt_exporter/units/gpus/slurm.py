"""GPUs of jobs of Slurm.

They are in the files of a prolog where the document names their directory, else in the variables of
processes. Their numbers become devices by `gpuOrderMap`, gres.conf, or the order of PCI.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rackwatt_crds.node.units import SlurmUnits
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.gpu import Gpu
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.units.cgroups.group import ControlGroup
from rackwatt_exporter.units.gpus.claimed import EnvironmentClaims
from rackwatt_exporter.units.gpus.claims import GpuClaim, slurm_claim
from rackwatt_exporter.units.gpus.gres_conf import MAX_BYTES, GresConf, gres_conf
from rackwatt_exporter.units.gpus.holdings import capacities
from rackwatt_exporter.units.gpus.map_files import jobs_by_file
from rackwatt_exporter.units.gpus.order import MIG_MINORS, GpuOrder, MigFile, mig_files, order_map
from rackwatt_exporter.units.gpus.unit_gpus import Found, Resolver, denied

GRES_CONF = "/etc/slurm/gres.conf"


class _Numbered(NamedTuple):
    """The order of devices and their shards, as of some text of gres.conf and some GPUs."""

    of: tuple[str | None, Sequence[Gpu]]
    order: GpuOrder
    shards: Mapping[tuple[str, str], int]


class SlurmGpus:
    """The GPUs of the jobs of this machine."""

    def __init__(self, host: HostPaths, settings: SlurmUnits) -> None:
        self._node = host.node
        self._map = settings.gpu_order_map
        self._gres_conf = host.rootfs / (settings.gres_conf or GRES_CONF).lstrip("/")
        self._mig_minors = host.procfs / MIG_MINORS
        directory = settings.gpu_map_directory
        self._directory = host.rootfs / directory.lstrip("/") if directory else None
        self._claims = EnvironmentClaims(host.procfs, lambda read: slurm_claim(read.found))
        self._resolver = Resolver()
        self._numbered: _Numbered | None = None

    def find(self, groups: Iterable[ControlGroup], inventory: Sequence[Gpu]) -> Found:
        """Return the devices of each job that has any, and why some are not known."""
        order, shards = self._order(inventory)
        jobs = list(groups)
        if self._directory is None:
            found, problem = self._resolver.resolve(
                self._claims.read(jobs), order, shards, inventory
            )
            return found, denied(self._claims, problem)
        try:
            numbers = jobs_by_file(self._directory)
        except OSError as error:
            message = f"gpuMapDirectory {self._directory} cannot be listed: {error.strerror}"
            return {}, ReadError(Reason.ABSENT, message)
        of_files = {
            group.key: GpuClaim(numbers.get(group.key.unit.rpartition("/")[2], ()))
            for group in jobs
        }
        return self._resolver.resolve(of_files, order, shards, inventory)

    def _order(self, inventory: Sequence[Gpu]) -> tuple[GpuOrder, Mapping[tuple[str, str], int]]:
        """Return the order of devices; it is worked out where GPUs or gres.conf have changed."""
        text = _text(self._gres_conf)
        if self._numbered is None or self._numbered.of != (text, inventory):
            minors = mig_files(_text(self._mig_minors) or "")
            order, gres = self._ordered(text, minors, inventory)
            shards = capacities(gres, order, minors, inventory)
            self._numbered = _Numbered((text, inventory), order, shards)
        return self._numbered.order, self._numbered.shards

    def _ordered(
        self, text: str | None, minors: Mapping[str, MigFile], inventory: Sequence[Gpu]
    ) -> tuple[GpuOrder, GresConf]:
        try:
            gres = gres_conf(text or "", self._node)
        except ValueError as error:
            message = f"{self._gres_conf}: {error}"
            return GpuOrder({}, ReadError(Reason.BAD_REPLY, message)), GresConf()
        if self._map is not None:
            return _mapped(self._map, inventory), gres
        if gres.is_detected:
            return GpuOrder.detected(inventory), gres
        if gres.devices:
            return GpuOrder.of_gres(gres, minors, inventory), gres
        return GpuOrder.unknown(inventory), gres


def _mapped(text: str, inventory: Sequence[Gpu]) -> GpuOrder:
    try:
        return GpuOrder.of_map(order_map(text), inventory)
    except ValueError as error:
        return GpuOrder({}, ReadError(Reason.INVALID_ENTRY, f"gpuOrderMap: {error}"))


def _text(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return None
