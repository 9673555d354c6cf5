"""Members of a sum over Redfish: supplies or sensors, listed again every ten minutes."""

import random
import time

from msgspec.structs import replace

from rackwatt_exporter.protocols.redfish.client import RedfishClient
from rackwatt_exporter.protocols.redfish.power import Found
from rackwatt_exporter.reading import ReadError, Reading
from rackwatt_exporter.targets.membership import Membership
from rackwatt_exporter.targets.redfish.lookup import ResourceLookup, UnfinishedError
from rackwatt_exporter.targets.redfish.resources import PowerResource

REFRESH_S = 600.0
_REQUESTS = 3  # for a list, with each reading, until it is complete


class Sum:
    """The members of one target's sum, and when to list them again."""

    def __init__(self, service: RedfishClient) -> None:
        self._lookup = ResourceLookup(service)
        self._unfinished = False
        self._due_s = _next_refresh_s()
        self._memberships: dict[str, Membership] = {}

    async def refreshed(self, resource: PowerResource) -> PowerResource:
        """Return the resource with its current members, if it is time to list them.

        Raises:
            ReadError: as the list, and as `RedfishClient.get`.
        """
        if resource.refresh is None or time.monotonic() < self._due_s:
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
        self._due_s = _next_refresh_s()
        return fresh or resource

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


def _next_refresh_s() -> float:
    """Return when to list again: at different times for the targets of a fleet."""
    return time.monotonic() + REFRESH_S * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
