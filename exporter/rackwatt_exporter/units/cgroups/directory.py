"""One directory of a control group, whose files stay open between readings.

A file that is open costs one system call to read, without a walk of its path, and there are a dozen
of each unit. Open files are bounded by a budget: beyond it, a file is opened for each read. They
are opened below a descriptor of the directory. So all of them are of one control group, even where
another one takes its name.
"""

import errno
import os
import resource
from functools import cache

_MAX_KEPT = 32768
_FLAGS = os.O_RDONLY | os.O_CLOEXEC
FIRST_BYTES = 4096
_ABSENT = -1
# In a copy of a tree a file may be replaced, and is reopened then; a kernel's has no size.
_MOVING = frozenset(
    {
        "blkio.throttle.io_service_bytes_recursive",
        "cpu.stat",
        "cpuacct.usage",
        "memory.stat",
        "pids.current",
    }
)
_GONE = frozenset({errno.ENOENT, errno.ENODEV, errno.ESTALE})


class GroupGoneError(Exception):
    """The control group does not exist any more."""


class DescriptorBudget:
    """How many descriptors may be kept open: three quarters of what the process may open."""

    def __init__(self, most: int | None = None) -> None:
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        allowed = _MAX_KEPT if soft == resource.RLIM_INFINITY else soft * 3 // 4
        self.left = min(allowed, _MAX_KEPT) if most is None else most

    def take(self) -> bool:
        """Take one; return whether there was one left."""
        if self.left <= 0:
            return False
        self.left -= 1
        return True

    def give(self, count: int) -> None:
        """Return some."""
        self.left += count


@cache
def shared_budget() -> DescriptorBudget:
    """Return the budget of this process."""
    return DescriptorBudget()


class GroupDirectory:
    """The files of one control group in one hierarchy."""

    __slots__ = ("_budget", "_copy", "_directory", "_kept", "inode", "path")

    def __init__(self, path: str, budget: DescriptorBudget) -> None:
        """Open the directory.

        Raises:
            OSError: it does not exist, or may not be opened.
        """
        self.path = path
        self._budget = budget
        self._kept: dict[str, int] = {}
        self._copy = _ABSENT
        self._directory: int | None = None
        if budget.take():
            try:
                self._directory = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            except OSError:
                budget.give(1)
                raise
        self.inode = os.stat(path if self._directory is None else self._directory).st_ino

    def texts(self, names: tuple[str, ...], problems: list[str]) -> dict[str, bytes]:
        """Return the content of files, without those that are not there or are empty.

        What cannot be read is added to `problems`.

        Raises:
            GroupGoneError: the group was removed.
        """
        texts = {}
        for name in names:
            try:
                text = self.text(name)
            except OSError as error:
                problems.append(f"{self.path}/{name}: {error.strerror}")
            else:
                if text is not None:
                    texts[name] = text
        return texts

    def kept(self, names: tuple[str, ...]) -> dict[str, int] | None:
        """Return descriptors of those files that are there; None where not all are kept open."""
        found = {name: kept for name in names if (kept := self._kept.get(name)) is not None}
        if len(found) < len(names):
            return None
        return {name: kept for name, kept in found.items() if kept != _ABSENT}

    def reopen_copies(self) -> bool:
        """Close the files where they are of a copy of a tree and were replaced; return whether."""
        if self._copy == _ABSENT or os.fstat(self._copy).st_nlink:
            return False
        self._close_files()
        return True

    def texts_once(self, names: tuple[str, ...], problems: list[str]) -> dict[str, bytes]:
        """Return the content of files that are seldom read, and not kept open.

        Raises:
            GroupGoneError: the group was removed.
        """
        texts = {}
        for name in names:
            try:
                with open(self._open(name), "rb", buffering=0) as file:
                    text = file.read(FIRST_BYTES)
            except FileNotFoundError as error:
                if not self.is_current():
                    raise GroupGoneError from error
            except OSError as error:
                if error.errno in _GONE:
                    raise GroupGoneError from error
                problems.append(f"{self.path}/{name}: {error.strerror}")
            else:
                texts[name] = text
        return texts

    def text(self, name: str) -> bytes | None:
        """Return the content of a file; None where the group has none of that name.

        Raises:
            GroupGoneError: the group was removed.
            OSError: it may not be read.
        """
        kept = self._kept.get(name)
        if kept is None:
            return self._first(name)
        if kept == _ABSENT:
            return None
        try:
            text = os.pread(kept, FIRST_BYTES, 0)
        except OSError as error:
            self._raise_unless_unsupported(error)
            return None
        return text if len(text) < FIRST_BYTES else text + _rest(kept)

    def refresh(self) -> None:
        """Look again for files that were not there: a controller may have been enabled."""
        for name in [name for name, kept in self._kept.items() if kept == _ABSENT]:
            del self._kept[name]

    def is_current(self) -> bool:
        """Return whether the path still leads to this group."""
        try:
            return os.stat(self.path).st_ino == self.inode
        except OSError:
            return False

    def close(self) -> None:
        """Close the files and the directory."""
        self._close_files()
        if self._directory is not None:
            os.close(self._directory)
            self._directory = None
            self._budget.give(1)

    def _close_files(self) -> None:
        for kept in self._kept.values():
            if kept != _ABSENT:
                os.close(kept)
                self._budget.give(1)
        self._kept.clear()
        self._copy = _ABSENT

    def _open(self, name: str) -> int:
        if self._directory is None:
            return os.open(f"{self.path}/{name}", _FLAGS)
        return os.open(name, _FLAGS, dir_fd=self._directory)

    def _first(self, name: str) -> bytes | None:
        """Open a file and read it; keep it open if the budget allows."""
        try:
            descriptor = self._open(name)
        except FileNotFoundError as error:
            if not self.is_current():
                raise GroupGoneError from error
            self._kept[name] = _ABSENT
            return None
        except OSError as error:
            self._raise_unless_unsupported(error)
            return None
        is_kept = False
        try:
            text = os.pread(descriptor, FIRST_BYTES, 0)
            if len(text) == FIRST_BYTES:
                text += _rest(descriptor)
            is_kept = self._budget.take()
        except OSError as error:
            self._raise_unless_unsupported(error)
            return None
        finally:
            if not is_kept:
                os.close(descriptor)
        if is_kept:
            self._kept[name] = descriptor
            if self._copy == _ABSENT and name in _MOVING and os.fstat(descriptor).st_size:
                self._copy = descriptor
        return text

    def _raise_unless_unsupported(self, error: OSError) -> None:
        """Raise why a file cannot be read, unless the kernel was started without what it counts."""
        if error.errno in _GONE:
            raise GroupGoneError from error
        if error.errno != errno.EOPNOTSUPP:
            raise error


def _rest(descriptor: int) -> bytes:
    parts: list[bytes] = []
    offset = FIRST_BYTES
    while part := os.pread(descriptor, 65536, offset):
        parts.append(part)
        offset += len(part)
    return b"".join(parts)
