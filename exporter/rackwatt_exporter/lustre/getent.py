"""Names of users and groups, from the name service of this host.

All ids that a poll needs are arguments of one `getent`, and none runs where all are known.
Listing a whole directory would be slower, and SSSD does not allow it by default. It is a process,
so that a directory which does not answer holds up nothing and ends at a deadline.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from rackwatt_exporter.lustre.join import PasswdEntry
from rackwatt_exporter.protocols.command.process import (
    ProcessTimeoutError,
    command_failed,
    command_timed_out,
    environment,
    run_process,
)
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.fields import name

FRESH_S = 600.0
RETRY_S = 60.0
_NOT_FOUND = 2  # exit status where some of the ids have no entry
_MAX_IDS = 10_000  # of one command

T = TypeVar("T")


class Getent(Generic[T]):
    """One database of the name service, with a cache.

    An entry is read again after ten minutes, and what was not found or failed after one. An entry
    that is not found later stays: a directory that is down does not say so. Of ids without an entry
    only those of the last minutes are kept.
    """

    def __init__(
        self,
        database: str,
        parse: Callable[[Sequence[str]], T | None],
        clock: Callable[[], float] = time.monotonic,
        command: str = "getent",
    ) -> None:
        self._command = command, database
        self._parse = parse
        self._clock = clock
        self._entries: dict[int, T] = {}
        self._due_s: dict[int, float] = {}
        self._error: ReadError | None = None

    async def read(self, ids: Collection[int], timeout_s: float) -> ReadError | None:
        """Look up the ids that are not known, or not recently.

        Returns why that failed, also while it is not tried again: command_failed, timeout,
        bad_reply.
        """
        now_s = self._clock()
        due = [one for one in ids if self._due_s.get(one, now_s) <= now_s][:_MAX_IDS]
        if due:
            self._due_s = {one: due_s for one, due_s in self._due_s.items() if due_s > now_s}
            self._due_s.update(dict.fromkeys(due, now_s + RETRY_S))
            self._error = None
            try:
                found = dict(parse(await self._run(due, timeout_s), self._parse))
            except ReadError as error:
                self._error = error
            else:
                self._entries |= found
                self._due_s.update(dict.fromkeys(found, now_s + FRESH_S))
        return self._error

    @property
    def entries(self) -> Mapping[int, T]:
        """What is known, by id."""
        return self._entries

    async def _run(self, ids: Collection[int], timeout_s: float) -> bytes:
        argv = (*self._command, *map(str, ids))
        try:
            finished = await run_process(argv, timeout_s, environment())
        except ProcessTimeoutError as error:
            raise command_timed_out(self._command, timeout_s, error) from None
        except OSError as error:
            message = f"{' '.join(self._command)}: {error.strerror}"
            raise ReadError(Reason.COMMAND_FAILED, message) from None
        except ValueError as error:
            raise ReadError(Reason.BAD_REPLY, str(error)) from None
        if finished.returncode not in (0, _NOT_FOUND):
            raise command_failed(finished, self._command)
        return finished.stdout


def users() -> Getent[PasswdEntry]:
    """Return the database of users."""
    return Getent("passwd", parse_user)


def groups() -> Getent[str]:
    """Return the database of groups."""
    return Getent("group", parse_group)


def parse(output: bytes, entry: Callable[[Sequence[str]], T | None]) -> Iterator[tuple[int, T]]:
    """Go through the entries by id; a line that is none is passed over.

    Both databases have the id in the third column (passwd(5), group(5)).
    """
    for line in output.decode("utf-8", "replace").split("\n"):
        columns = line.split(":")
        number = id_of(columns[2]) if len(columns) > 3 else None
        value = entry(columns) if number is not None else None
        if number is not None and value is not None:
            yield number, value


def parse_user(columns: Sequence[str]) -> PasswdEntry | None:
    """Return the user of a line of passwd; None where it is none.

    libnss-unknown, which ssh needs in the collector's image, makes up an entry `uid-N` of any uid.
    """
    gid, user = id_of(columns[3]), name(columns[0])
    if not user or gid is None or user == f"uid-{columns[2]}":
        return None
    return PasswdEntry(user, gid)


def parse_group(columns: Sequence[str]) -> str | None:
    """Return the name of a line of group; None where it has none."""
    return name(columns[0]) or None


def id_of(text: str) -> int | None:
    """Return the id that a column has; None for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None
