"""Energy of the whole node since the start, where an ordinary user may read it.

HPE Cray EX has it for everyone (pm_counters); RAPL (powercap) only where an administrator allows
it, since it was a side channel (CVE-2020-8694). It is the energy of all jobs that share the node.
"""

import os
from collections.abc import Iterator
from typing import NamedTuple

_CRAY = "cray/pm_counters/energy"
_POWERCAP = "class/powercap"
# The smallest range of a counter, 65 kJ, wraps in 43 s at the highest power of a processor.
_MAX_INTERVAL_S = 40.0


class _Zone(NamedTuple):
    path: str
    span: int  # microjoules; a counter starts again beyond it


class NodeEnergy:
    """Energy counters of the node, added up since the first reading."""

    def __init__(self, interval_s: float, sysfs: str = "/sys") -> None:
        self._cray = f"{sysfs}/{_CRAY}"
        self._first_cray = _cray_joules(self._cray)
        usable = self._first_cray is None and interval_s <= _MAX_INTERVAL_S
        self._zones = list(_zones(f"{sysfs}/{_POWERCAP}")) if usable else []
        self._last = [_number(zone.path) for zone in self._zones]
        self._microjoules = 0

    def read(self) -> float | None:
        """Return joules since the start; None where the node has no counter that can be read."""
        if self._first_cray is not None:
            joules = _cray_joules(self._cray)
            return None if joules is None else max(0.0, joules - self._first_cray)
        for index, zone in enumerate(self._zones):
            last, now = self._last[index], _number(zone.path)
            if last is None or now is None:
                self._zones = []
                break
            self._microjoules += (now - last) % (zone.span + 1)
            self._last[index] = now
        return self._microjoules / 1e6 if self._zones else None


def _zones(root: str) -> Iterator[_Zone]:
    """Go through the zones that are no part of another one: packages, and memory beside them."""
    try:
        names = sorted(os.listdir(root))
    except OSError:
        return
    for name in names:
        path = f"{root}/{name}"
        kind = (_text(f"{path}/name") or "").strip().partition("-")[0]
        span = _number(f"{path}/max_energy_range_uj")
        if kind in ("package", "dram") and name.startswith("intel-rapl:") and span:
            yield _Zone(f"{path}/energy_uj", span)


def _cray_joules(path: str) -> float | None:
    """Read `39184 J 1626451265 us`."""
    words = (_text(path) or "").split()
    return float(words[0]) if words[1:2] == ["J"] and words[0].isdigit() else None


def _number(path: str) -> int | None:
    text = (_text(path) or "").strip()
    return int(text) if text.isascii() and text.isdigit() else None


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return None
