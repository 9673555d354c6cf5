"""A tree of /sys in which every collector of files finds something, and the controller that moves it.

It is a server of two sockets with a power meter, a supply, a GPU of each vendor, two adapters of
InfiniBand and, unlike any real one, the counters of a Cray as well.
"""

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.exporter.collectors.hwmon.tree import HwmonTree, gpu_and_supply
from tests.exporter.collectors.infiniband.tree import InfinibandTree
from tests.exporter.collectors.pm_counters import PmCounters
from tests.exporter.collectors.powercap import XEON, Powercap

_SCAN_S = 0.1
_DIGITS = 12


class NodeTree:
    """The tree, and a thread that counts the scans of its controller, ten a second."""

    def __init__(self, sysfs: Path) -> None:
        powercap = Powercap(sysfs, XEON)
        for package in ("intel-rapl:0", "intel-rapl:1"):
            powercap.limit(package, long_term=225.0, short_term=270.0)
        hwmon = HwmonTree(sysfs)
        hwmon.meter("hwmon0", 0)
        gpu_and_supply(hwmon)
        adapters = InfinibandTree(sysfs)
        adapters.adapter("mlx5_0")
        adapters.adapter("mlx5_1")
        self._freshness = PmCounters(sysfs).folder / "freshness"
        self._scans = 0
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.scan()

    def scan(self) -> None:
        """Count a scan, in place: a reader sees one count or the next."""
        with self._lock:
            self._scans += 1
            descriptor = os.open(self._freshness, os.O_WRONLY | os.O_TRUNC * (self._scans == 1))
            os.pwrite(descriptor, f"{self._scans:0{_DIGITS}}\n".encode(), 0)
            os.close(descriptor)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(_SCAN_S):
            self.scan()
