"""Parts of a control group: what reads one file of it, and what it may use.

A file that cannot be read, or that is in another format, costs its own numbers alone: they are
unknown, and the reason is kept beside them.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Self

from rackwatt_exporter.units.cgroups.directory import GroupDirectory


class GroupLimits(NamedTuple):
    """What a control group may use; None where it is unknown, infinity where it is unlimited.

    `cpuset` is the number of CPUs that it is bound to, where it has a set of its own. `shares` is
    the weight of its CPU time as version 1 has it, `weight` as version 2 does.
    """

    memory_bytes: float | None = None
    swap_bytes: float | None = None
    cpuset: int | None = None
    quota_cpus: float | None = None
    shares: int | None = None
    weight: int | None = None

    def under(self, first: Self) -> Self:
        """Return those of `first`, and these where it has none."""
        known = {name: value for name, value in first._asdict().items() if value is not None}
        return self._replace(**known)


class FileFields(NamedTuple):
    """How a file is parsed, and which fields of a UnitReading it has: one, or several."""

    parse: Callable[[bytes], Any]
    fields: str | tuple[str, ...]


Table = Mapping[str, FileFields]


class Parts:
    """Reads files of one control group, and keeps what was wrong with them."""

    __slots__ = ("problems",)

    def __init__(self) -> None:
        self.problems: list[str] = []

    def fields(
        self, directory: GroupDirectory, names: tuple[str, ...], table: Table
    ) -> dict[str, Any]:
        """Return the fields that these files have, those that are not known left out.

        Raises:
            GroupGoneError: the group was removed.
        """
        found: dict[str, Any] = {}
        for name, text in directory.texts(names, self.problems).items():
            if not text:
                continue
            parse, fields = table[name]
            try:
                values = parse(text)
            except (ValueError, LookupError) as error:
                self.problems.append(f"{name}: {error}")
                continue
            if isinstance(fields, str):
                found[fields] = values
            else:
                found.update(zip(fields, values, strict=True))
        return found

    def limits(self, directory: GroupDirectory, table: Table) -> dict[str, Any]:
        """Return what a group may use, by files that are seldom read and not kept open.

        Raises:
            GroupGoneError: the group was removed.
        """
        found: dict[str, Any] = {}
        for name, text in directory.texts_once(tuple(table), self.problems).items():
            try:
                found[str(table[name].fields)] = table[name].parse(text)
            except (ValueError, LookupError) as error:
                self.problems.append(f"{name}: {error}")
        return found
