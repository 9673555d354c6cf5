"""Cards of AMD in /sys, as amdgpu has them: a tree of directories and links to write into."""

import struct
from pathlib import Path


def table(content: int, joules: float, size: int = 120, table_format: int = 1) -> bytes:
    """Return a gpu_metrics of this version."""
    offset = {5: 88, 6: 16}.get(content, 24)
    made = bytearray(struct.pack("=HBB", size, table_format, content) + b"\xff" * (size - 4))
    if offset + 8 <= size:
        struct.pack_into("=Q", made, offset, int(joules * 65536))
    return bytes(made)


class Cards:
    """The tree below /sys of one machine."""

    def __init__(self, sysfs: Path) -> None:
        self.sysfs = sysfs
        (sysfs / "class/drm").mkdir(parents=True)

    def add(self, number: int, address: str, files: dict[str, str], hwmon: dict[str, str]) -> Path:
        """Add a card with a PCI device; `files` are its own, `hwmon` those of its sensors."""
        device = self.sysfs / f"devices/pci0000:00/{address}"
        self._card(number, device)
        defaults = {"vendor": "0x1002", "class": "0x038000"}
        write(device, defaults | files)
        if hwmon:
            write(device / "hwmon/hwmon3", {"name": "amdgpu"} | hwmon)
        return device

    def partition(self, number: int, xcp: int) -> None:
        """Add the card of a further partition, which has no PCI device."""
        self._card(number, self.sysfs / f"devices/platform/amdgpu_xcp_{xcp}")

    def kfd(self, node: int, address: str, units: int, minor: int) -> None:
        """Add a node of the topology of kfd."""
        domain, bus, rest = address.split(":")
        slot, function = rest.split(".")
        location = int(bus, 16) << 8 | int(slot, 16) << 3 | int(function)
        text = (
            f"cpu_cores_count 0\nsimd_count {units * 4}\nsimd_per_cu 4\nvendor_id 4098\n"
            f"location_id {location}\ndomain {int(domain, 16)}\ndrm_render_minor {minor}\n"
        )
        write(self.sysfs / f"class/kfd/kfd/topology/nodes/{node}", {"properties": text})

    def _card(self, number: int, device: Path) -> None:
        for name in (f"card{number}", f"renderD{128 + number}"):
            (device / "drm" / name).mkdir(parents=True)
            (device / "drm" / name / "device").symlink_to(device)
            (self.sysfs / "class/drm" / name).symlink_to(device / "drm" / name)


def write(folder: Path, files: dict[str, str]) -> None:
    """Write files of one line."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(f"{text}\n")
