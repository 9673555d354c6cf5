"""The ledger on disk, so that counters survive a restart: a file that each save appends to.

A save appends the accounts that changed since the last one, as one line. Now and then the file is
written whole, beside itself and renamed over, without the accounts that nothing has booked on for
longer than they are kept. So the cost of a save goes with what changed, not with what is known.

Ceilings are raised on disk first and in memory after, never the other way round (ledger.py says
why). A line that a crash cut short therefore costs at most one interval: the line before it still
has ceilings that no served counter has passed.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from rackwatt_exporter.store.ledger import EnergyAccount
from rackwatt_exporter.store.wrapping_counter import WrappingCounter

log = logging.getLogger(__name__)

FILE = "ledger.jsonl"
RETENTION_S = 30 * 86400.0
_PER_LINE = 1000  # encoding more would hold up the loop for longer than some milliseconds
_WHOLE_EVERY_S = 3600.0
_MIN_APPENDED_BYTES = 256 * 1024
_MAX_APPENDED = 3  # as many times the size of the whole file


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    version: Literal[2]


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    accounts: dict[str, EnergyAccount] = {}
    counters: dict[str, WrappingCounter] = {}


class LedgerFile:
    """The accounts of all targets and counters, and the file they are in.

    Without a `directory` they last as long as the process does. Callers name what they booked on in
    `changed`, by the key in `accounts` or `counters`.
    """

    def __init__(
        self,
        directory: Path | None,
        retention_s: float = RETENTION_S,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.directory = directory
        self._retention_s = retention_s
        self._wall = wall
        stored = _load(directory) if directory else _Line()
        self.accounts = stored.accounts
        self.counters = stored.counters
        self.changed: set[str] = set()
        self._whole_bytes = self._appended_bytes = 0
        self._whole_at_s: float | None = None

    async def save(self, for_s: float, wanted: Container[str] = ()) -> None:
        """Write what changed, with room for the time until the next save; 0 is the last one.

        `wanted` has the keys of accounts that are kept however old they are. Where there is nothing
        to keep, as with schedulers alone, the disk is not touched.
        """
        if self.directory is None or not (self.accounts or self.counters):
            self.changed.clear()
            return
        whole = not for_s or self._is_whole_due()
        if whole:
            self._forget_old(wanted)
        changed, self.changed = self.changed, set()
        keys = [*self.accounts, *self.counters] if whole else [*changed]
        raised, lines = _Line(), []
        for start in range(0, len(keys), _PER_LINE):
            part = self._raised(keys[start : start + _PER_LINE], for_s)
            lines.append(msgspec.json.encode(part))
            raised.accounts |= part.accounts
            raised.counters |= part.counters
            await asyncio.sleep(0)
        kept = not lines or await self._write(lines, whole)
        for account in raised.accounts:
            self.accounts[account].take_ceilings(raised.accounts[account] if kept else None)
        for counter in raised.counters:
            self.counters[counter].take_ceilings(raised.counters[counter] if kept else None)

    def _raised(self, keys: Iterable[str], for_s: float) -> _Line:
        part = _Line()
        for key in keys:
            if (account := self.accounts.get(key)) is not None:
                part.accounts[key] = account.with_ceiling(for_s)
            if (counter := self.counters.get(key)) is not None:
                part.counters[key] = counter.with_ceiling(for_s)
        return part

    async def _write(self, lines: list[bytes], whole: bool) -> bool:
        """Write the lines; return whether they are on disk."""
        assert self.directory is not None  # noqa: S101 - `save` writes nothing without one
        write = _write_whole if whole else _append
        try:
            size = await asyncio.to_thread(write, self.directory, lines)
        except OSError as error:
            log.error("the ledger cannot be kept in %s: %s", self.directory, error)
            self._whole_at_s = None  # the file may end in half a line
            return False  # no ceilings: a frozen counter would be worse
        if whole:
            self._whole_bytes, self._appended_bytes = size, 0
            self._whole_at_s = self._wall()
        else:
            self._appended_bytes += size
        return True

    def _is_whole_due(self) -> bool:
        if self._whole_at_s is None:
            return True
        limit = max(_MIN_APPENDED_BYTES, _MAX_APPENDED * self._whole_bytes)
        since_s = self._wall() - self._whole_at_s
        return self._appended_bytes > limit or not 0 <= since_s < _WHOLE_EVERY_S

    def _forget_old(self, wanted: Container[str]) -> None:
        """Drop what nothing has booked on for longer than the retention."""
        oldest_s = self._wall() - self._retention_s
        for key in _last_booked_before(oldest_s, self.accounts):
            if key not in wanted:
                del self.accounts[key]
        for key in _last_booked_before(oldest_s, self.counters):
            del self.counters[key]


def _last_booked_before(
    oldest_s: float, entries: Mapping[str, EnergyAccount | WrappingCounter]
) -> list[str]:
    return [key for key, entry in entries.items() if (entry.wall_s or 0.0) < oldest_s]


def _load(directory: Path) -> _Line:
    """Read the accounts of the last run; none if there was none.

    A file that cannot be read, whole or in part, is kept beside: its joules may still be recovered
    by hand.
    """
    path = directory / FILE
    stored, problem = _Line(), ""
    try:
        with path.open("rb") as file:
            problem = _read(file, stored)
    except (FileNotFoundError, NotADirectoryError):  # saving reports a file in its place
        return stored
    except OSError as error:
        problem = str(error)
    if problem:
        aside = path.with_suffix(".unreadable")
        log.error("%s cannot be read and is kept as %s: %s", path, aside.name, problem)
        os.replace(path, aside)
    for account in stored.accounts.values():
        account.resume()
    for counter in stored.counters.values():
        counter.resume()
    return stored


def _read(lines: Iterator[bytes], stored: _Line) -> str:
    """Merge the lines of a file into `stored`; return what is wrong with it, if anything is.

    A last line without an end is a save that a crash interrupted, and not wrong.
    """
    problem = ""
    try:
        msgspec.json.decode(next(lines, b""), type=_Header)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return f"line 1: {error}"
    for number, line in enumerate(lines, 2):
        try:
            part = msgspec.json.decode(line, type=_Line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            if line.endswith(b"\n"):
                problem = problem or f"line {number}: {error}"
            else:
                log.warning("the last save was interrupted; counters continue from the one before")
            continue
        stored.accounts |= part.accounts
        stored.counters |= part.counters
    return problem


def _write_whole(directory: Path, lines: list[bytes]) -> int:
    directory.mkdir(parents=True, exist_ok=True)
    beside = directory / f"{FILE}.new"
    with beside.open("wb") as file:
        size = _write_lines(file.fileno(), [msgspec.json.encode(_Header(2)), *lines])
    os.replace(beside, directory / FILE)
    return size


def _append(directory: Path, lines: list[bytes]) -> int:
    descriptor = os.open(directory / FILE, os.O_WRONLY | os.O_APPEND)
    try:
        return _write_lines(descriptor, lines)
    finally:
        os.close(descriptor)


def _write_lines(descriptor: int, lines: list[bytes]) -> int:
    data = b"".join(line + b"\n" for line in lines)
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.fsync(descriptor)
    return len(data)
