"""What a sum over Redfish is made of: supplies or sensors, listed again now and then."""

import random
import time

from msgspec.structs import replace

from rackwatt_exporter.protocols.redfish.client import RedfishClient
from rackwatt_exporter.protocols.redfish.power import Found
from rackwatt_exporter.reading import ReadError, Reading
from rackwatt_exporter.targets.membership import Membership
from rackwatt_exporter.targets.redfish.lookup import Looking, UnfinishedError
from rackwatt_exporter.targets.redfish.resources import PowerResource

LIST_AGAIN_S = 600.0
_REQUESTS = 3  # for a list, with each reading, until it is complete


class Sum:
    """The members of one target's sum: who they are, and when to list them again."""

    def __init__(self, service: RedfishClient) -> None:
        self._looking = Looking(service)
        self._unfinished = False
        self._due_s = _next_list_s()
        self._memberships: dict[str, Membership] = {}

    async def listed_again(self, place: PowerResource) -> PowerResource:
        """Return the place with the members that there are now, if it is time to list them.

        Raises:
            ReadError: as the list, and as `RedfishService.get`.
        """
        if place.again is None or time.monotonic() < self._due_s:
            return place
        self._looking.allow(_REQUESTS)
        if not self._unfinished:
            self._looking.forget()
        self._unfinished = False
        try:
            fresh = await place.again(self._looking.look)
        except UnfinishedError:
            self._unfinished = True
            return place
        self._looking.forget()
        self._due_s = _next_list_s()
        return fresh or place

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
            self.list_again()
            raise
        return replace(found.reading, members=members)

    def list_again(self) -> None:
        """List the members with the next reading."""
        self._due_s = 0.0


def _next_list_s() -> float:
    """Return when to list again: not for all of a fleet at the same time."""
    return time.monotonic() + LIST_AGAIN_S * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
