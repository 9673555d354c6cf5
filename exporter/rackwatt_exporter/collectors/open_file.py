"""Files of /proc and /sys, held open: a reading is then one system call, without a path to walk."""

import os
from pathlib import Path


class OpenFile:
    """One file, opened when first read, and anew after whatever went wrong with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def read(self, most: int = 4096) -> bytes:
        """Read it from its beginning as it is now, `most` bytes of it.

        Raises:
            OSError: it is not there, may not be read, or its driver has no answer.
        """
        if self._descriptor is not None:
            try:
                return os.pread(self._descriptor, most, 0)
            except OSError:
                self.close()  # the driver behind it may be another by now
        self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(self._descriptor, most, 0)
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
