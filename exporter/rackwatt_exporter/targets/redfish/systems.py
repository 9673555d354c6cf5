"""Systems that a service lists later than at the search for a machine.

A BMC may list a node only once it is plugged in or has started. The watts of a chassis that seemed
to be of one machine are then those of several, so the list is read again now and then. A system
that leaves changes nothing: what it had is missed by the reading.
"""

from contextlib import suppress
from typing import NamedTuple

from rackwatt_exporter.protocols.redfish.client import RedfishClient
from rackwatt_exporter.protocols.redfish.json import Json, count_of, linked, members
from rackwatt_exporter.reading import ReadError
from rackwatt_exporter.targets.redfish.chassis import SYSTEMS
from rackwatt_exporter.targets.redfish.lookup import ResourceLookup
from rackwatt_exporter.targets.redfish.sum import is_due, next_refresh_s


class ListedSystems(NamedTuple):
    """What the first page of a list of systems has: paths, and how many there are in all."""

    paths: frozenset[str]
    total: int

    @classmethod
    def of(cls, page: Json) -> "ListedSystems":
        """Return what a page lists."""
        paths = frozenset(path.rstrip("/") for path in linked(members(page)))
        return cls(paths, max(count_of(page), len(paths)))


class SystemsMonitor:
    """The systems that were known at the search, and when to list them again."""

    def __init__(self) -> None:
        self._known: ListedSystems | None = None
        self._due_s = 0.0

    def searched(self, page: Json) -> None:
        """Record the list at a search; None where the machine was not found by it.

        Those that have left since are known as well.
        """
        if page is None:
            return
        self._known = self._with_known(ListedSystems.of(page))
        self._due_s = next_refresh_s()

    async def finds_new(self, service: RedfishClient) -> bool:
        """Return whether there are systems that the search did not know, if it is time to look.

        A list that cannot be read now says nothing.
        """
        if self._known is None or not is_due(self._due_s):
            return False
        self._due_s = next_refresh_s()
        lookup = ResourceLookup(service)
        lookup.allow(1)
        with suppress(ReadError):
            listed = ListedSystems.of(await lookup.look(SYSTEMS))
            return self._with_known(listed) != self._known
        return False

    def _with_known(self, listed: ListedSystems) -> ListedSystems:
        known = self._known or ListedSystems(frozenset(), 0)
        return ListedSystems(known.paths | listed.paths, max(known.total, listed.total))
