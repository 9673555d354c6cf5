"""Births and deaths of control groups, as the kernel reports them: inotify(7).

The kernel has no other event for a group that is made or removed in either version: mkdir and rmdir
of its directory are ordinary ones of a file system. In version 2 it also notifies of
`cgroup.events`, which changes when the last process of a group has ended.

Where inotify cannot be had, its user goes on without: each reading looks for new units anyway.
"""

import asyncio
import logging
import os
import struct
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ctypes

log = logging.getLogger(__name__)

_CREATE, _DELETE, _MODIFY = 0x100, 0x200, 0x2
_ONLYDIR, OVERFLOW, _IGNORED = 0x01000000, 0x4000, 0x8000
HEADER = struct.Struct("iIII")
_BUFFER_BYTES = 65536
_MAX_READS = 64


class Births:
    """Watches of directories and files. `changed` is called with the paths that were touched.

    One of them is None where events were lost.
    """

    def __init__(self, changed: Callable[[Collection[str | None]], None]) -> None:
        self._changed = changed
        self._paths: dict[int, str] = {}
        self._watches: dict[str, int] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._libc: ctypes.CDLL | None = None
        self._descriptor = -1

    def start(self) -> None:
        """Begin, once, in the running loop."""
        if self._loop is not None:
            return
        import ctypes  # most machines that run an exporter have no units

        self._loop = asyncio.get_running_loop()
        try:
            self._libc = ctypes.CDLL(None, use_errno=True)
            self._descriptor = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, AttributeError):
            self._descriptor = -1
        if self._descriptor < 0:
            log.warning("no inotify: units that live between two readings are not seen")
            return
        self._loop.add_reader(self._descriptor, self._read)

    def watch_directory(self, path: str) -> bool:
        """Watch what is made and removed in a directory; return whether the watch is new."""
        return self._watch(path, _CREATE | _DELETE | _ONLYDIR)

    def watch_file(self, path: str) -> None:
        """Watch when a file is changed."""
        self._watch(path, _MODIFY)

    def is_watched(self, path: str) -> bool:
        """Return whether there is a watch of a path."""
        return path in self._watches

    def forget(self, path: str) -> None:
        """End a watch, if there is one."""
        watch = self._watches.pop(path, None)
        if watch is not None and self._libc is not None:
            self._paths.pop(watch, None)
            self._libc.inotify_rm_watch(self._descriptor, watch)

    def close(self) -> None:
        """End all."""
        if self._descriptor >= 0 and self._loop is not None:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
        self._descriptor = -1
        self._loop = None
        self._paths.clear()
        self._watches.clear()

    def _watch(self, path: str, mask: int) -> bool:
        if self._descriptor < 0 or self._libc is None or path in self._watches:
            return False
        watch = self._libc.inotify_add_watch(self._descriptor, os.fsencode(path), mask)
        if watch >= 0:
            self._paths[watch] = path
            self._watches[path] = watch
        return bool(watch >= 0)

    def report(self) -> None:
        """Report what has changed so far, before the loop would do so."""
        for _ in range(_MAX_READS):
            if self._descriptor < 0 or not self._read():
                return

    def _read(self) -> bool:
        """Read some events; return whether there were any."""
        try:
            events = os.read(self._descriptor, _BUFFER_BYTES)
        except BlockingIOError:
            return False
        self._changed(self.touched(events))
        return True

    def touched(self, events: bytes) -> Collection[str | None]:
        """Return what the events are about, each once."""
        touched: dict[str | None, None] = {}
        offset = 0
        while offset < len(events):
            watch, mask, _, length = HEADER.unpack_from(events, offset)
            start = offset + HEADER.size
            name = events[start : start + length].rstrip(b"\0")
            offset = start + length
            if mask & OVERFLOW:
                touched[None] = None
            elif mask & _IGNORED:
                self._watches.pop(self._paths.pop(watch, ""), None)
            elif (path := self._paths.get(watch)) is not None:
                touched[f"{path}/{os.fsdecode(name)}" if name else path] = None
        return touched.keys()
