"""Units by the names of CEEMS: `ceems_compute_unit_*`.

Version 0.5 has no label `cgrouphostname` and no `gpuiid`; its `gpuuuid` has the instance behind a
slash.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from rackwatt_exporter.gpu import Gpu
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.profiles.ceems.families import Kind, family
from rackwatt_exporter.profiles.lines import ProfileLines
from rackwatt_exporter.profiles.node import NodeStores, failures
from rackwatt_exporter.units.model import UnitGpu, UnitReading

MANAGERS: Mapping[str, str] = {"slurm": "slurm", "libvirt": "libvirt", "kubernetes": "k8s"}
_HAS_BLOCKS = frozenset({"libvirt", "kubernetes"})
_OLD, _NEW = ("manager", "hostname", "uuid"), ("manager", "hostname", "cgrouphostname", "uuid")
_GPU_OLD, _GPU_NEW = ("index", "hindex", "gpuuuid"), ("index", "hindex", "gpuuuid", "gpuiid")

UNITS = family("gauge", "compute_units", "Number of units that run.", "manager", "hostname")
Value = Callable[[NodeStores, UnitReading], float | None]


class UnitFamily(NamedTuple):
    """A family with one number for each unit."""

    kind: Kind
    name: str
    text: str
    value: Value


def _stalled(field: str) -> Value:
    def value(_: NodeStores, one: UnitReading) -> float | None:
        pressure = getattr(one, field)
        return pressure.stalled_s if pressure is not None else None

    return value


SINGLE = (
    UnitFamily("counter", "cpu_user_seconds_total", "CPU time of users.", lambda _, u: u.user_s),
    UnitFamily(
        "counter", "cpu_system_seconds_total", "CPU time of the kernel.", lambda _, u: u.system_s
    ),
    UnitFamily("gauge", "cpus", "Number of CPUs.", lambda _, u: u.cpus),
    UnitFamily(
        "gauge",
        "cpu_psi_seconds",
        "Time in which all tasks waited for a CPU.",
        _stalled("cpu_pressure"),
    ),
    UnitFamily("gauge", "memory_rss_bytes", "Anonymous memory.", lambda _, u: u.anonymous_bytes),
    UnitFamily("gauge", "memory_cache_bytes", "Page cache.", lambda _, u: u.file_bytes),
    UnitFamily("gauge", "memory_used_bytes", "All memory.", lambda _, u: u.memory_bytes),
    UnitFamily("gauge", "memory_total_bytes", "Limit of memory.", NodeStores.memory_limit),
    UnitFamily(
        "gauge",
        "memory_fail_count",
        "How often memory was not available.",
        lambda _, u: failures(u),
    ),
    UnitFamily(
        "gauge",
        "memory_psi_seconds",
        "Time in which all tasks waited for memory.",
        _stalled("memory_pressure"),
    ),
    UnitFamily("gauge", "memsw_used_bytes", "Swap.", lambda _, u: u.swap_bytes),
    UnitFamily("gauge", "memsw_total_bytes", "Limit of swap.", NodeStores.swap_limit),
    UnitFamily(
        "gauge", "memsw_fail_count", "How often swap was refused.", lambda _, u: u.swap_failures
    ),
)
BLOCKS = {
    "blkio_read_total_bytes": ("Bytes read.", "read_bytes"),
    "blkio_write_total_bytes": ("Bytes written.", "written_bytes"),
    "blkio_read_total_requests": ("Reads.", "reads"),
    "blkio_write_total_requests": ("Writes.", "writes"),
}
RDMA = {
    "rdma_hca_handles": ("Handles of RDMA.", "handles"),
    "rdma_hca_objects": ("Objects of RDMA.", "objects"),
}


class UnitView:
    """The units of a node; `is_new` is version 0.10."""

    def __init__(self, stores: NodeStores, is_new: bool) -> None:
        self._stores = stores
        self._is_new = is_new
        self._single = [(self._family(one.kind, one.name, one.text), one) for one in SINGLE]
        self._blocks = self._devices(BLOCKS)
        self._rdma = self._devices(RDMA)
        gpu = _GPU_NEW if is_new else _GPU_OLD
        self._flag = self._family("gauge", "gpu_index_flag", "Share of a GPU.", *gpu)
        self._cores = self._family("gauge", "gpu_sm_count", "Multiprocessors.", *gpu)

    def add(self, lines: ProfileLines) -> None:
        """Add the lines of all units."""
        stores = self._stores
        for manager, record in stores.units.records.items():
            if manager in MANAGERS and record.value is not None:
                who = (MANAGERS[manager], stores.node)
                lines.add(UNITS, who, len(record.value.units))
        readings = [one for one in stores.units.readings() if one.key.manager in MANAGERS]
        units = [(self._labels(one), one) for one in readings]
        for family_, one in self._single:
            for labels, reading in units:
                lines.add(family_, labels, one.value(stores, reading))
        for labels, reading in units:
            for block in reading.blocks if reading.key.manager in _HAS_BLOCKS else ():
                for family_, field in self._blocks:
                    lines.add(family_, (*labels, block.device), getattr(block, field))
            for use in reading.rdma:
                for family_, field in self._rdma:
                    lines.add(family_, (*labels, use.device), getattr(use, field))
            for gpu in reading.gpus:
                self._add_gpu(lines, labels, gpu)

    def _add_gpu(self, lines: ProfileLines, labels: tuple[str, ...], gpu: UnitGpu) -> None:
        place = (gpu.ordinal, f"{self._stores.node}/gpu-{gpu.ordinal}")
        if not self._is_new:
            uuid = f"{gpu.uuid}/{gpu.instance}" if gpu.instance else gpu.uuid
            lines.add(self._flag, (*labels, *place, uuid), gpu.share)
            return
        who = (*labels, *place, gpu.uuid, gpu.instance)
        lines.add(self._flag, who, gpu.share)
        lines.add(self._cores, who, multiprocessors(self._stores.collectors.gpus(), gpu))

    def _labels(self, one: UnitReading) -> tuple[str, ...]:
        node, _, unit = one.key.unit.rpartition("/")
        uuid = one.info.uuid if one.key.manager == "libvirt" and one.info.uuid else unit
        first = (MANAGERS[one.key.manager], self._stores.node)
        return (*first, node, uuid) if self._is_new else (*first, uuid)

    def _devices(self, table: Mapping[str, tuple[str, str]]) -> list[tuple[MetricFamily, str]]:
        return [
            (self._family("gauge", name, text, "device"), field)
            for name, (text, field) in table.items()
        ]

    def _family(self, kind: Kind, name: str, text: str, *labels: str) -> MetricFamily:
        first = _NEW if self._is_new else _OLD
        return family(kind, f"compute_unit_{name}", text, *first, *labels)

    @property
    def families(self) -> Iterator[MetricFamily]:
        """Go through every family there may be."""
        yield UNITS
        yield from (one for one, _ in (*self._single, *self._blocks, *self._rdma))
        yield self._flag
        if self._is_new:
            yield self._cores


def multiprocessors(gpus: tuple[Gpu, ...], held: UnitGpu) -> int | None:
    """Return how many multiprocessors a GPU, or an instance of one, has."""
    gpu = next((one for one in gpus if one.uuid == held.uuid), None)
    if gpu is None:
        return None
    if not held.instance:
        return gpu.compute_units
    return next((one.compute_units for one in gpu.instances if one.name == held.instance), None)
