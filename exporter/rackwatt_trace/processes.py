"""Usage of a process and all of its descendants, from /proc (proc(5)).

The kernel adds what a child has used to its parent when the parent waits for it, so the sum over
all processes of a tree is that of the ended ones as well. What a descendant has used that the tree
does not wait for, since its parent ended before it, is added here. Totals never fall.
"""

import os
from collections.abc import Iterator
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Used(NamedTuple):
    """Totals of a process and of the children that it has waited for; None is not readable."""

    ticks: int
    read_bytes: int | None
    written_bytes: int | None

    def __add__(self, other: object) -> "Used":
        assert isinstance(other, Used)  # noqa: S101 - of our own
        return Used(
            self.ticks + other.ticks,
            _sum(self.read_bytes, other.read_bytes),
            _sum(self.written_bytes, other.written_bytes),
        )


class Process(NamedTuple):
    """A process at one moment; `started` distinguishes it from another one with its id."""

    pid: int
    parent: int
    started: int
    threads: int
    resident_bytes: int
    used: Used


class Usage(NamedTuple):
    """What a tree uses. Totals are since its start; None is not known."""

    cpu_s: float
    threads: int
    processes: int
    resident_bytes: int
    read_bytes: int | None
    written_bytes: int | None
    pids: frozenset[int]


class ProcessTree:
    """A process and its descendants, what it has used until now apart."""

    def __init__(self, root: int, proc: str = "/proc") -> None:
        self.root = root
        self._proc = proc
        self._lost = Used(0, 0, 0)
        self._highest = Used(0, 0, 0)
        own = self._read(root)
        self._before = own.used if own else Used(0, 0, 0)
        self._started = own.started if own else -1
        self._known: dict[int, Process] = {root: own} if own else {}
        # Without CONFIG_PROC_CHILDREN, parents alone are known, and each process has to be read.
        self._lists_children = os.path.exists(f"{proc}/{root}/task/{root}/children")

    def is_alive(self) -> bool:
        """Return whether the process itself still runs."""
        process = self._read(self.root)
        return process is not None and process.started == self._started

    def sample(self) -> Usage | None:
        """Return what the tree uses; None after its end."""
        alive = self._find()
        if self.root not in alive:
            return None
        for pid, process in self._known.items():
            if pid not in alive and not self._is_waited_for(process, alive):
                self._lost += process.used
        self._known = alive
        total = self._total(alive)
        return Usage(
            total.ticks / _TICKS,
            sum(one.threads for one in alive.values()),
            len(alive),
            sum(one.resident_bytes for one in alive.values()),
            total.read_bytes,
            total.written_bytes,
            frozenset(alive),
        )

    def _total(self, alive: dict[int, Process]) -> Used:
        total = self._lost
        for process in alive.values():
            total += process.used
        high, before = self._highest, self._before
        self._highest = Used(
            max(high.ticks, total.ticks - before.ticks),
            _above(high.read_bytes, total.read_bytes, before.read_bytes),
            _above(high.written_bytes, total.written_bytes, before.written_bytes),
        )
        return self._highest

    def _find(self) -> dict[int, Process]:
        """Return the processes of the tree that are alive, also those that left it since."""
        alive: dict[int, Process] = {}
        waiting = [self.root, *self._known]
        own = os.getpid()
        of_parent = None if self._lists_children else self._of_parent()
        while waiting:
            pid = waiting.pop()
            if pid in alive or pid == own:
                continue
            process, known = self._read(pid), self._known.get(pid)
            if process is None or (known is not None and known.started != process.started):
                continue
            alive[pid] = process
            waiting += self._children(pid) if of_parent is None else of_parent.get(pid, ())
        return alive

    def _is_waited_for(self, process: Process, alive: dict[int, Process]) -> bool:
        """Return whether an ended process is in the totals of an ancestor that is alive."""
        while (parent := self._known.get(process.parent)) is not None:
            if parent.pid in alive:
                return True
            process = parent
        return False

    def _children(self, pid: int) -> Iterator[int]:
        try:
            threads = os.listdir(f"{self._proc}/{pid}/task")
        except OSError:
            return
        for thread in threads:
            text = self._text(f"{pid}/task/{thread}/children")
            yield from map(int, text.split() if text else ())

    def _of_parent(self) -> dict[int, list[int]]:
        """Return the children of every process of the machine."""
        children: dict[int, list[int]] = {}
        for name in filter(str.isdigit, os.listdir(self._proc)):
            if text := self._text(f"{name}/stat"):
                children.setdefault(int(_fields(text)[1]), []).append(int(name))
        return children

    def _read(self, pid: int) -> Process | None:
        text = self._text(f"{pid}/stat")
        if not text:
            return None
        fields = _fields(text)
        ticks = sum(map(int, fields[11:15]))
        read_bytes, written_bytes = self._io(pid)
        return Process(
            pid,
            parent=int(fields[1]),
            started=int(fields[19]),
            threads=int(fields[17]),
            resident_bytes=int(fields[21]) * _PAGE,
            used=Used(ticks, read_bytes, written_bytes),
        )

    def _io(self, pid: int) -> tuple[int | None, int | None]:
        text = self._text(f"{pid}/io")
        if not text:
            return None, None
        found = dict(line.split(b": ") for line in text.splitlines())
        return int(found[b"read_bytes"]), int(found[b"write_bytes"])

    def _text(self, name: str) -> bytes | None:
        try:
            with open(f"{self._proc}/{name}", "rb", buffering=0) as file:
                return file.read()
        except OSError:  # it has ended, or is another user's
            return None


def _fields(stat: bytes) -> list[bytes]:
    """Return the fields behind the name, which may hold anything, brackets and spaces too."""
    return stat.rpartition(b")")[2].split()


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _above(highest: int | None, total: int | None, before: int | None) -> int | None:
    """Return a total since the start, no lower than it was; None once it was not readable."""
    if highest is None or total is None or before is None:
        return None
    return max(highest, total - before)
