"""The energy counter of the node's processor, which is a file that moves as the kernel's does.

Virtual machines have no RAPL. While it follows the load, the processor draws what it idles with,
and more for each CPU that works, by the same times that the exporter divides energy by.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

IDLE_WATTS, BUSY_CPU_WATTS = 40.0, 25.0
_EACH_S = 0.1


class EnergyCounter:
    """A file with microjoules."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def draw(self, joules: float) -> None:
        """Advance it. The file is never empty: a reader finds the old number or the new one."""
        microjoules = int(self._path.read_text()) + round(joules * 1e6)
        with self._path.open("r+b", buffering=0) as file:
            file.write(b"%d\n" % microjoules)

    @contextmanager
    def following_the_load(self) -> Iterator[None]:
        """Advance it with the load of this machine, until the end."""
        ended = threading.Event()
        thread = threading.Thread(target=self._follow, args=(ended,))
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _follow(self, ended: threading.Event) -> None:
        before_s, before_busy_s = time.monotonic(), busy_seconds()
        while not ended.wait(_EACH_S):
            now_s, now_busy_s = time.monotonic(), busy_seconds()
            idle = IDLE_WATTS * (now_s - before_s)
            self.draw(idle + BUSY_CPU_WATTS * max(0.0, now_busy_s - before_busy_s))
            before_s, before_busy_s = now_s, now_busy_s


def busy_seconds() -> float:
    """Return the seconds that all processors have worked; the kernel is shared by all nodes."""
    _, *ticks = Path("/proc/stat").read_text().partition("\n")[0].split()
    user, nice, system, _, _, *interrupts = map(int, ticks[:8])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")
