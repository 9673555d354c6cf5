"""Files of /proc and /sys that stay open: a reading is one system call, without a path walk."""

import os
from pathlib import Path


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

    def close(self) -> None:
        """Close it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
