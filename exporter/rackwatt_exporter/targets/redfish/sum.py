"""Members of a sum over Redfish: supplies or sensors, listed again every ten minutes.

The metrics of a power supply often have no state. Those of one that is offline may be its last, so
the supply is read with them where the watts leave a doubt: each time would double the requests.
"""

import random
import time

from msgspec.structs import replace

from rackwatt_exporter.protocols.redfish.client import RedfishClient
from rackwatt_exporter.protocols.redfish.json import Json
from rackwatt_exporter.protocols.redfish.power import Found, supply_input
from rackwatt_exporter.protocols.redfish.status import in_service, state_of, supply_works
from rackwatt_exporter.reading import ReadError, Reading
from rackwatt_exporter.targets.membership import Membership
from rackwatt_exporter.targets.power_state import TRUSTED_READINGS, PowerStateMonitor
from rackwatt_exporter.targets.redfish.collection import Look
from rackwatt_exporter.targets.redfish.lookup import ResourceLookup, UnfinishedError
from rackwatt_exporter.targets.redfish.resources import PowerResource

REFRESH_S = 600.0
_REQUESTS = 3  # for a list, with each reading, until it is complete


class Sum:
    """The members of one target's sum, and when to list them again."""

    def __init__(self, service: RedfishClient) -> None:
        self._lookup = ResourceLookup(service)
        self._unfinished = False
        self._due_s = next_refresh_s()
        self._memberships: dict[str, Membership] = {}
        self._supplies: dict[str, PowerStateMonitor] = {}

    async def refreshed(self, resource: PowerResource) -> PowerResource:
        """Return the resource with its current members, if it is time to list them.

        Raises:
            ReadError: as the list, and as `RedfishClient.get`.
        """
        if resource.refresh is None or not is_due(self._due_s):
            return resource
        self._lookup.allow(_REQUESTS)
        if not self._unfinished:
            self._lookup.clear()
        self._unfinished = False
        try:
            fresh = await resource.refresh(self._lookup.look)
        except UnfinishedError:
            self._unfinished = True
            return resource
        self._lookup.clear()
        self._due_s = next_refresh_s()
        return fresh or resource

    async def read(self, resource: PowerResource, look: Look) -> Found | None:
        """Read the members; the state of a supply that does not work takes the place of its watts.

        Raises:
            ReadError: as the finder, and as `look`.
        """
        documents = [await look(path) for path in resource.paths]
        for index, supply in enumerate(resource.states):
            documents[index] = await self._believed(index, documents[index], supply, look)
        return resource.find(documents, resource.where)

    async def _believed(self, index: int, document: Json, path: str, look: Look) -> Json:
        """Return a supply's metrics; the supply at `path` instead where that does not work now."""
        watts = supply_input(document)
        if watts is None or state_of(document):
            return document
        monitor = self._supplies.get(path)
        if monitor is None:  # it worked when it was listed; not all are checked at one reading
            monitor = self._supplies[path] = PowerStateMonitor()
            monitor.confirmed_on(watts, index % (TRUSTED_READINGS + 1))
            return document
        if not monitor.needs_check(watts):
            return document
        supply = await look(path)
        if not supply_works(supply):
            if not in_service(supply):
                self.refresh_next()
            return supply
        monitor.confirmed_on(watts)
        return document

    def counted(self, found: Found) -> Reading:
        """Return the reading, with the number of its members.

        Raises:
            ReadError: member_missing where there were more; they are listed again at once.
        """
        if not found.members:
            return found.reading
        kind = found.reading.source.partition("#")[2]
        membership = self._memberships.setdefault(kind, Membership())
        try:
            members = membership.check(found.members)
        except ReadError:
            self.refresh_next()
            raise
        return replace(found.reading, members=members)

    def refresh_next(self) -> None:
        """List the members with the next reading."""
        self._due_s = 0.0


def is_due(at_s: float) -> bool:
    """Return whether it is time to list again."""
    return time.monotonic() >= at_s


def next_refresh_s() -> float:
    """Return when to list again: at different times for the targets of a fleet."""
    return time.monotonic() + REFRESH_S * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
