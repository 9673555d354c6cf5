"""Limits of power that the hardware enforces, and the constraints of powercap zones.

A zone has constraints by name, such as `long_term` and `short_term`, each with a limit in
microwatts (Documentation/power/powercap/powercap.rst). AMD's have none. A zone that is not
`enabled` enforces none of them, and 0 is no limit: neither has a sample.
"""

import errno
from collections.abc import Iterator
from pathlib import Path

from rackwatt_exporter.collectors.errors import read_error
from rackwatt_exporter.collectors.open_file import MICRO, OpenFile
from rackwatt_exporter.metrics.family import MetricFamily

POWER_LIMIT = MetricFamily(
    "rackwatt_node_domain_power_limit_watts",
    "gauge",
    "Limit of the power of a part of the node that is in force.",
    ("node", "source", "domain", "zone", "constraint"),
    "watts",
)
_MAX_CONSTRAINTS = 8


class Constraints:
    """The constraints of one zone; their files stay open."""

    def __init__(self, folder: Path) -> None:
        self._enabled = OpenFile(folder / "enabled")
        self._limits = [
            (name, OpenFile(folder / f"constraint_{index}_power_limit_uw"))
            for index in range(_MAX_CONSTRAINTS)
            if (name := _name(folder / f"constraint_{index}_name"))
        ]

    def read(self) -> Iterator[tuple[str, float]]:
        """Go through the limits that are in force, in watts, by the names of their constraints.

        Raises:
            ReadError: permission_denied, sensor_unreadable or bad_reply, where one cannot be read.
        """
        if not self._limits or not self._is_enabled():
            return
        for name, file in self._limits:
            if limit := _limit(file):
                yield name, limit / MICRO

    def close(self) -> None:
        """Close every file."""
        self._enabled.close()
        for _, file in self._limits:
            file.close()

    def _is_enabled(self) -> bool:
        try:
            return self._enabled.read(16).strip() != b"0"
        except OSError as error:
            raise read_error(self._enabled.path, error) from None


def _limit(file: OpenFile) -> int:
    """Return a limit in microwatts; 0 where the zone has none."""
    try:
        return file.number("microwatts")
    except OSError as error:
        if error.errno in (errno.ENODATA, errno.ENOENT):
            return 0
        raise read_error(file.path, error) from None


def _name(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
