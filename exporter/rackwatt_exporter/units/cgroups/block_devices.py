"""Names of block devices by their numbers: /proc/diskstats (admin-guide/iostats).

A device may be attached at any time. A number that is not known has the file read again, though not
more often than every ten seconds; without a name the number is the name.
"""

import time
from collections.abc import Callable
from pathlib import Path

_AGAIN_S = 10.0


class BlockDevices(dict[str, str]):
    """Names by number, as `259:0`."""

    def __init__(self, procfs: Path, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._path = procfs / "diskstats"
        self._clock = clock
        self._again_s = -_AGAIN_S

    def __missing__(self, number: str) -> str:
        now_s = self._clock()
        if now_s >= self._again_s:
            self._again_s = now_s + _AGAIN_S
            self._read()
        return self.get(number, number)

    def _read(self) -> None:
        try:
            text = self._path.read_text("ascii", "replace")
        except OSError:
            return
        for line in text.splitlines():
            words = line.split()
            if len(words) > 2:
                self[f"{words[0]}:{words[1]}"] = words[2]
