"""Trees of /sys/class/powercap as kernels lay them out, whose counters a test can move.

Names and ranges are those of real machines (node_exporter's and CEEMS' fixtures have the same); the
joules are a test's own.
"""

import os
from pathlib import Path

PACKAGE_SPAN_UJ = 262143328850  # 2^32 units of 61 µJ
DRAM_SPAN_UJ = 65712999613  # 2^32 units of 15.3 µJ

XEON = {
    "intel-rapl:0": "package-0",
    "intel-rapl:0:0": "dram",
    "intel-rapl:1": "package-1",
    "intel-rapl:1:0": "dram",
}
LAPTOP = {
    "intel-rapl:0": "package-0",
    "intel-rapl:0:0": "core",
    "intel-rapl:0:1": "uncore",
    "intel-rapl:1": "psys",
    "intel-rapl-mmio:0": "package-0",
    "intel-rapl-mmio:0:0": "dram",
}
EPYC = {"intel-rapl:0": "package-0", "intel-rapl:0:0": "core"}
TWO_DIES = {
    "intel-rapl:0": "package-0-die-0",
    "intel-rapl:0:0": "dram",
    "intel-rapl:1": "package-0-die-1",
    "intel-rapl:1:0": "dram",
}


class Powercap:
    """The tree below one /sys."""

    def __init__(self, sysfs: Path, zones: dict[str, str]) -> None:
        self.sysfs = sysfs
        self._class = sysfs / "class/powercap"
        self._class.mkdir(parents=True)
        for control in {directory.partition(":")[0] for directory in zones}:
            self._link(control, self._device(control))
        for directory, name in zones.items():
            self.add(directory, name)

    def add(self, directory: str, name: str, joules: float = 0.0, mode: int = 0o400) -> None:
        """Add a zone."""
        folder = self._device(directory)
        span = DRAM_SPAN_UJ if name == "dram" else PACKAGE_SPAN_UJ
        self._link(directory, folder)
        for file, text in (("name", name), ("max_energy_range_uj", span), ("enabled", 1)):
            (folder / file).write_text(f"{text}\n")
        (folder / "energy_uj").write_text(_microjoules(joules))
        (folder / "energy_uj").chmod(mode)

    def limit(self, directory: str, **watts: float) -> None:
        """Give a zone constraints by name, in the order of their indices."""
        for index, (name, value) in enumerate(watts.items()):
            stem = self._class / directory / f"constraint_{index}_"
            Path(f"{stem}name").write_text(f"{name}\n")
            Path(f"{stem}power_limit_uw").write_text(f"{round(value * 1e6)}\n")
            Path(f"{stem}time_window_us").write_text("976\n")

    def show(self, **joules: float) -> None:
        """Set counters in joules, by directory with `_` for `:` and `-`."""
        known = {one.name.replace(":", "_").replace("-", "_"): one for one in self._class.iterdir()}
        for directory, value in joules.items():
            self.write(known[directory].name, _microjoules(value))

    def write(self, directory: str, text: str) -> None:
        """Overwrite a counter in its file, which may be open and read concurrently."""
        with (self._class / directory / "energy_uj").open("r+") as file:
            file.write(text)
            file.truncate()

    def remove(self, directory: str) -> None:
        """Remove a zone."""
        (self._class / directory).unlink()

    def _device(self, directory: str) -> Path:
        control, *numbers = directory.split(":")
        path = self.sysfs / "devices/virtual/powercap" / control
        for depth in range(1, len(numbers) + 1):
            path /= ":".join((control, *numbers[:depth]))
        return path

    def _link(self, directory: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (self._class / directory).symlink_to(os.path.relpath(folder, self._class))


def _microjoules(joules: float) -> str:
    """Format a counter with a fixed length: a concurrent read sees neither nothing nor a mixture."""
    return f"{round(joules * 1e6):015}\n"
