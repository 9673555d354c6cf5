"""Trees of /sys/class/hwmon as kernels lay them out, whose sensors a test can set.

Chips, labels and attributes are those of the drivers acpi_power_meter, amdgpu, pmbus, ina2xx, xe and
amd_energy (Documentation/hwmon/); the numbers are a test's own.
"""

import os
from pathlib import Path
from typing import Any


class HwmonTree:
    """The tree below one /sys."""

    def __init__(self, sysfs: Path) -> None:
        self._sysfs = sysfs
        self._class = sysfs / "class/hwmon"
        self._class.mkdir(parents=True)
        self._folders: dict[str, Path] = {}

    def chip(
        self, directory: str, name: str, device: str, old: bool = False, **values: Any
    ) -> None:
        """Add a chip of a device such as `pci0000:00/0000:03:00.0`, with its attributes.

        An `old` driver has the attributes in the directory of the device.
        """
        parent = self._sysfs / "devices" / device
        folder = parent / "hwmon" / directory
        folder.mkdir(parents=True)
        (folder / "name").write_text(f"{name}\n")
        (folder / "device").symlink_to("../..")
        (self._class / directory).symlink_to(os.path.relpath(folder, self._class))
        self._folders[directory] = parent if old else folder
        self.show(directory, **values)

    def show(self, directory: str, **values: Any) -> None:
        """Set attributes of a chip."""
        for attribute, value in values.items():
            (self._folders[directory] / attribute).write_text(f"{value}\n")

    def meter(self, directory: str, number: int, *measures: str, **values: Any) -> None:
        """Add an ACPI power meter, which measures these devices of ACPI."""
        device = f"LNXSYSTM:00/LNXSYBUS:00/ACPI000D:{number:02}"
        values = {"power1_average": 344_000_000, "power1_is_battery": 0} | values
        self.chip(directory, "power_meter", device, **values)
        linked = self._sysfs / "devices" / device / "measures"
        linked.mkdir()
        for measure in measures:
            (linked / measure).symlink_to(f"../../{measure}")

    def remove(self, directory: str) -> None:
        """Remove a chip."""
        (self._class / directory).unlink()


def gpu_and_supply(tree: HwmonTree) -> None:
    """Add a GPU of AMD, a supply behind PMBus, a sensor of a rail, and a GPU of Intel."""
    tree.chip("hwmon2", "amdgpu", "pci0000:00/0000:03:00.0", power1_average=41_000_000,
              power1_label="PPT", power1_cap=300_000_000)  # fmt: skip
    tree.chip("hwmon3", "pmbus", "i2c-7/7-0058", power1_input=380_000_000, power1_label="pin",
              power2_input=350_500_000, power2_label="pout1", power1_input_highest=500_000_000,
              power1_input_lowest=90_000_000, power1_average=370_000_000)  # fmt: skip
    tree.chip("hwmon10", "ina230", "i2c-7/7-0040", power1_input=12_250_000)
    tree.chip("hwmon11", "xe", "pci0000:00/0000:09:00.0", energy1_input=5_000_000_000,
              energy1_label="card", energy2_input=2_000_000_000, energy2_label="pkg")  # fmt: skip
