"""The files of a control group that are read at each reading, in all its directories at once.

While all are open and what they say is in order, a reading is one call for each, and one pass over
the contents. What is wrong with one of them is found by reading them one by one.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any

from rackwatt_exporter.units.cgroups.directory import FIRST_BYTES, GroupDirectory
from rackwatt_exporter.units.cgroups.parts import Parts, Table


class FileParsers:
    """How some files are parsed together, and the fields that they have."""

    __slots__ = ("_fields", "_parsers")

    def __init__(self, names: Sequence[str], table: Table) -> None:
        rows = [table[name] for name in names]
        self._parsers: list[tuple[Callable[[bytes], Any], bool]] = [
            (row.parse, isinstance(row.fields, str)) for row in rows
        ]
        self._fields = [
            field
            for row in rows
            for field in ([row.fields] if isinstance(row.fields, str) else row.fields)
        ]

    def parse(self, contents: Sequence[bytes]) -> dict[str, Any]:
        """Parse the contents of all files.

        Raises:
            ValueError: one has another format, or is empty where that is none.
            LookupError: one has what is not known.
        """
        values: list[Any] = []
        for (parse, is_one), text in zip(self._parsers, contents, strict=True):
            if is_one:
                values.append(parse(text))
            else:
                values += parse(text)
        return dict(zip(self._fields, values, strict=True))


class FileTable:
    """A table of files, with the parsers of each set of them that a group has."""

    __slots__ = ("_parsers", "rows")

    def __init__(self, rows: Table) -> None:
        self.rows = rows
        self._parsers: dict[tuple[str, ...], FileParsers] = {}

    def parsers(self, names: tuple[str, ...]) -> FileParsers:
        """Return the parsers of these files: one object for all groups that have them."""
        if names not in self._parsers:
            self._parsers[names] = FileParsers(names, self.rows)
        return self._parsers[names]


class HotFiles:
    """The files of one control group; each directory is added with the names of its files."""

    __slots__ = ("_descriptors", "_directories", "_parsers", "_table", "_turn")

    def __init__(self, table: FileTable) -> None:
        self._table = table
        self._directories: list[tuple[GroupDirectory, tuple[str, ...]]] = []
        self._descriptors: list[int] = []
        self._parsers: FileParsers | None = None
        self._turn = 0

    def add(self, directory: GroupDirectory, names: tuple[str, ...]) -> None:
        """Read files of a further directory."""
        self._directories.append((directory, names))
        self._parsers = None

    def refresh(self) -> None:
        """Look again for files that were not there."""
        for directory, _ in self._directories:
            directory.refresh()
        self._parsers = None

    def read(self, parts: Parts) -> dict[str, Any]:
        """Return the fields that these files have, those that are not known left out.

        Raises:
            GroupGoneError: the group was removed.
        """
        self._reopen_copies()
        if self._parsers is not None and (together := self._read_together(self._parsers)):
            return together
        found: dict[str, Any] = {}
        for directory, names in self._directories:
            found |= parts.fields(directory, names, self._table.rows)
        self._note_descriptors()
        return found

    def _read_together(self, parsers: FileParsers) -> dict[str, Any] | None:
        try:
            contents = [os.pread(kept, FIRST_BYTES, 0) for kept in self._descriptors]
            return None if FIRST_BYTES in map(len, contents) else parsers.parse(contents)
        except (OSError, ValueError, LookupError):
            return None  # they are read one by one, to see what is wrong

    def _reopen_copies(self) -> None:
        """Look at one directory at each reading: a kernel replaces no file, and looks cost."""
        self._turn = (self._turn + 1) % len(self._directories)
        if self._directories[self._turn][0].reopen_copies():
            self._parsers = None

    def _note_descriptors(self) -> None:
        """Note the descriptors of all files, where they are kept open or not there."""
        kept = [directory.kept(names) for directory, names in self._directories]
        known = {name: one for files in kept if files for name, one in files.items()}
        if None in kept or not known:
            self._parsers = None
            return
        self._descriptors = list(known.values())
        self._parsers = self._table.parsers(tuple(known))
