"""GPUs of AMD by the files of their driver, amdgpu, without ROCm.

Each card of /sys/class/drm has its PCI device, and that its sensors (Documentation/gpu/amdgpu/
driver-misc.rst, thermal.rst). A board that is partitioned, as an MI300 in CPX mode, has further
cards without a PCI device of their own, which measure nothing. The topology of kfd has the compute
units of each partition (/sys/class/kfd).
"""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from rackwatt_exporter.collectors.amd import metrics_table
from rackwatt_exporter.collectors.amd.board import AmdBoard, gpu_uuid
from rackwatt_exporter.collectors.errors import read_error
from rackwatt_exporter.collectors.gpus import GpuUse
from rackwatt_exporter.gpu import Gpu, GpuInstance, bus_id
from rackwatt_exporter.reading import ReadError, Reason

_CARD = re.compile(r"card[0-9]+")
_RENDER = re.compile(r"renderD([0-9]+)")
_VENDOR = "0x1002"
_DISPLAY = "0x0300"  # a VGA controller: what is made for computing has another class
_ALONE = "SPX"
_MODES = ("DPX", "TPX", "QPX", "CPX")
_PARTITION = "amdgpu_xcp"
_MAX_TEXT = 256


class KfdNode(NamedTuple):
    """A partition, or a whole board, in the topology of kfd."""

    bus: str
    function: int
    compute_units: int
    render_minor: int


class SysfsReader:
    """Reads files, and keeps the first error of one that is there and cannot be read."""

    def __init__(self) -> None:
        self.error: ReadError | None = None

    def text(self, path: Path) -> str | None:
        """Return the first characters of a file; None where there is none."""
        found = self.bytes(path, _MAX_TEXT)
        return None if found is None else found.decode("ascii", "replace").strip()

    def bytes(self, path: Path, max_bytes: int) -> bytes | None:
        """Return the first bytes of a file; None where there is none."""
        try:
            with path.open("rb", buffering=0) as file:
                return file.read(max_bytes)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self.error = self.error or read_error(path, error)
            return None

    def number(self, path: Path) -> int | None:
        """Return the number in a file; None where there is none."""
        text = self.text(path)
        if text is None:
            return None
        if not text.isdigit() or len(text) > 20:
            message = f"{path} holds {text[:40]!r}, not a number"
            self.error = self.error or ReadError(Reason.BAD_REPLY, message)
            return None
        return int(text)


def boards(sysfs: Path) -> list[AmdBoard]:
    """Read every board.

    Raises:
        ReadError: absent, where there is none; permission_denied or sensor_unreadable, where the
            cards cannot be listed.
    """
    root = sysfs / "class/drm"
    try:
        names = [name for name in os.listdir(root) if _CARD.fullmatch(name)]
    except OSError as error:
        raise read_error(root, error) from None
    reader = SysfsReader()
    devices = {(root / name / "device").resolve() for name in names}
    pci = [device for device in devices if reader.text(device / "vendor") == _VENDOR]
    if not pci:
        raise ReadError(Reason.ABSENT, f"{root} has no card of AMD with the driver amdgpu")
    topology = kfd_nodes(sysfs)
    return [
        _board(index, device, topology, root)
        for index, device in enumerate(sorted(pci, key=lambda device: device.name))
    ]


def kfd_nodes(sysfs: Path) -> list[KfdNode]:
    """Return the GPUs of the topology of kfd; none where its module is not loaded."""
    root, reader = sysfs / "class/kfd/kfd/topology/nodes", SysfsReader()
    try:
        names = os.listdir(root)
    except OSError:
        return []
    found = []
    for name in names:
        text = reader.bytes(root / name / "properties", 8192) or b""
        lines = (line.split() for line in text.decode("ascii", "replace").splitlines())
        values = {line[0]: int(line[1]) for line in lines if len(line) == 2 and line[1].isdigit()}
        if values.get("simd_count") and values.get("simd_per_cu"):
            found.append(_kfd_node(values))
    return sorted(found, key=lambda node: (node.function, node.render_minor))


def _kfd_node(values: dict[str, int]) -> KfdNode:
    location = values.get("location_id", 0)
    bus = f"{values.get('domain', 0):04x}:{location >> 8 & 0xFF:02x}:{location >> 3 & 0x1F:02x}"
    return KfdNode(
        bus,
        location & 7,
        values["simd_count"] // values["simd_per_cu"],
        values.get("drm_render_minor", 0),
    )


def _board(index: int, device: Path, topology: Sequence[KfdNode], root: Path) -> AmdBoard:
    reader = SysfsReader()
    address = bus_id(device.name) or device.name
    parts = [node for node in topology if node.bus == address.rpartition(".")[0]]
    mode = reader.text(device / "current_compute_partition") or _ALONE
    unique = reader.text(device / "unique_id")
    hwmon = _hwmon(device, reader)
    gpu = Gpu(
        vendor="amd",
        index=index,
        uuid=gpu_uuid(unique or "") or address,
        bus_id=address,
        minor=_render_minor(device),
        model=reader.text(device / "product_name") or "",
        driver=reader.text(device / "driver/module/version") or "amdgpu",
        mode="none" if mode == _ALONE else mode if mode in _MODES else "",
        compute_units=sum(node.compute_units for node in parts) or None,
        memory_bytes=reader.number(device / "mem_info_vram_total"),
        instances=() if mode not in _MODES else tuple(_instances(root, address, parts)),
    )
    computes = not (reader.text(device / "class") or _DISPLAY).startswith(_DISPLAY)
    table = reader.bytes(device / "gpu_metrics", metrics_table.MAX_BYTES) if computes else None
    return AmdBoard(
        gpu,
        _use(device, hwmon, reader),
        joules=metrics_table.joules(table or b""),
        watts=_watts(hwmon, reader),
        additive=hwmon is None or reader.text(hwmon / "in1_label") != "vddnb",  # APUs alone
        serial=reader.text(device / "serial_number") or "",
        error=reader.error,
    )


def _watts(hwmon: Path | None, reader: SysfsReader) -> float | None:
    """Return its power; one of 0 is that of a die whose module another one measures."""
    for name in ("power1_average", "power1_input") if hwmon else ():
        microwatts = reader.number(hwmon / name) if hwmon else None
        if microwatts:
            return microwatts / 1e6
    return None


def _use(device: Path, hwmon: Path | None, reader: SysfsReader) -> GpuUse:
    percent = reader.number(device / "gpu_busy_percent")
    memory = reader.number(device / "mem_info_vram_used")
    if hwmon is None:
        return GpuUse(_ratio(percent), memory)
    celsius = reader.number(hwmon / "temp1_input")
    if celsius is None:  # boards of MI300 have no sensor at the edge
        celsius = reader.number(hwmon / "temp2_input")
    limit = reader.number(hwmon / "power1_cap")
    return GpuUse(
        _ratio(percent),
        memory,
        None if celsius is None else celsius / 1000,
        reader.number(hwmon / "freq1_input"),
        reader.number(hwmon / "freq2_input"),
        limit / 1e6 if limit else None,
    )


def _ratio(percent: int | None) -> float | None:
    return percent / 100 if percent is not None and percent <= 100 else None


def _hwmon(device: Path, reader: SysfsReader) -> Path | None:
    found = sorted((device / "hwmon").glob("hwmon*"))
    return next((one for one in found if reader.text(one / "name") == "amdgpu"), None)


def _render_minor(device: Path) -> int | None:
    names = (_RENDER.fullmatch(path.name) for path in (device / "drm").glob("renderD*"))
    return next((int(match[1]) for match in names if match), None)


def _instances(root: Path, address: str, parts: Sequence[KfdNode]) -> Iterator[GpuInstance]:
    """Name partitions by their number; the first one is the PCI device itself."""
    for number, node in enumerate(parts):
        device = (root / f"renderD{node.render_minor}" / "device").resolve().name
        name = device if device.startswith(_PARTITION) else f"{address}/{number}"
        function = f"{address.rpartition('.')[0]}.{number}" if number < 8 else None
        yield GpuInstance(str(number), name, node.compute_units, None, function, node.render_minor)
