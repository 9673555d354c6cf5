"""Parts of a control group: what reads one file of it, and what it may use.

A file that cannot be read, or that is in another format, costs its own numbers alone: they are
unknown, and the reason is kept beside them.
"""

from collections.abc import Callable
from typing import NamedTuple, Self, TypeVar

from rackwatt_exporter.units.cgroups.directory import GroupDirectory

T = TypeVar("T")


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


class Parts:
    """Files of one control group that were read together, and what was wrong with them."""

    __slots__ = ("problems", "texts")

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.texts: dict[str, bytes] = {}

    def load(
        self, directory: GroupDirectory | None, names: tuple[str, ...], often: bool = True
    ) -> None:
        """Read files of a directory, if there is one; those that are read often are kept open.

        Raises:
            GroupGoneError: the group was removed.
        """
        if directory is not None:
            read = directory.texts if often else directory.texts_once
            texts = read(names, self.problems)
            self.texts = self.texts | texts if self.texts else texts

    def __call__(self, name: str, parse: Callable[[bytes], T]) -> T | None:
        """Return what is in a file; None where there is none, or it is in another format."""
        text = self.texts.get(name)
        if not text:
            return None
        try:
            return parse(text)
        except (ValueError, LookupError) as error:
            self.problems.append(f"{name}: {error}")
            return None
