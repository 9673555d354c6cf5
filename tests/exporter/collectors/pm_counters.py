"""/sys/cray/pm_counters, whose controller a test moves.

Names and formats are those of nodes with four accelerators that others have published (a dump of an
EX255a; the list of a GH200); the numbers are a test's own.
"""

from pathlib import Path

FILES = {
    "energy": "12044825101 J",
    "power": "724 W",
    "power_cap": "2894 W",
    "cpu_energy": "1000000000 J",
    "cpu_power": "112 W",
    "cpu0_temp": "41 C",
    "memory_energy": "58869289 J",
    "memory_power": "31 W",
    "accel0_energy": "2869283299 J",
    "accel0_power": "212 W",
    "accel0_power_cap": "0 W",
    "accel1_power": "208 W",
    "capped_energy": "12752953 J",
    "overshoot_energy": "3951201 J",
}
COUNTS = {"freshness": 60043284, "generation": 16, "raw_scan_hz": 10, "version": 3,
          "overshoot": 62408, "startup": 1778580757634187}  # fmt: skip


class PmCounters:
    """The tree below one /sys."""

    def __init__(self, sysfs: Path) -> None:
        self.folder = sysfs / "cray/pm_counters"
        self.folder.mkdir(parents=True)
        self._counts = dict(COUNTS)
        for name, value in FILES.items():
            self.show(name, f"{value} 7810213855886 us" if "cap" not in name else value)
        for name, count in COUNTS.items():
            self.show(name, str(count))

    def show(self, name: str, text: str) -> None:
        """Set a file."""
        (self.folder / name).write_text(f"{text}\n")

    def add(self, name: str, count: int = 1) -> None:
        """Add to a count."""
        self._counts[name] += count
        self.show(name, str(self._counts[name]))

    async def scan(self, _: float = 0.0) -> None:
        """Scan once, as the controller does while a reader sleeps."""
        self.add("freshness")
