"""Files of /proc and /sys that stay open: a reading is one system call, without a path walk."""

import os
from pathlib import Path

from rackwatt_exporter.reading import ReadError, Reason

MICRO = 1e6  # sysfs counts energy in microjoules and power in microwatts
_MAX_DIGITS = 20  # of 64 bits


class OpenFile:
    """One file, opened at the first read, and reopened after an error."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def read(self, max_bytes: int = 4096) -> bytes:
        """Read up to `max_bytes` from the start of the file as it is now.

        Raises:
            OSError: it does not exist, may not be read, or its driver fails.
        """
        if self._descriptor is not None:
            try:
                return os.pread(self._descriptor, max_bytes, 0)
            except OSError:
                self.close()  # another driver may provide the file by now
        self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(self._descriptor, max_bytes, 0)
        except OSError:
            self.close()
            raise

    def number(self, unit: str) -> int:
        """Read a number without a sign, which counts this unit.

        Raises:
            OSError: it does not exist, may not be read, or its driver fails.
            ReadError: bad_reply, where it is no such number.
        """
        return number(self.read(64), self.path, unit)

    def close(self) -> None:
        """Close it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def signed(text: bytes, path: Path | str) -> int:
    """Parse a number that may have a sign.

    Raises:
        ReadError: bad_reply, where it is no such number.
    """
    word = text.strip()
    sign = -1 if word.startswith(b"-") else 1
    return sign * number(word.removeprefix(b"-"), path, "a number")


def number(text: bytes, path: Path | str, unit: str) -> int:
    """Parse a number without a sign; `unit` is what it counts, for the message.

    Raises:
        ReadError: bad_reply, where it is no such number.
    """
    word = text.strip()
    if not word.isdigit() or len(word) > _MAX_DIGITS:
        raise ReadError(Reason.BAD_REPLY, f"{path} holds {word[:40]!r}, not {unit}")
    return int(word)
