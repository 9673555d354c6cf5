"""Cached access to the resources of a Redfish service, with a limit of requests per try.

A BMC may take a second for each request, and searches may repeatedly find nothing. So nothing is
requested twice in one search, and a search that needs more requests than one try may send continues
with the next one.
"""

from rackwatt_exporter.protocols.redfish.client import RedfishClient
from rackwatt_exporter.protocols.redfish.exchange import StatusError
from rackwatt_exporter.protocols.redfish.json import Json, is_path, members, replace_strings
from rackwatt_exporter.reading import ReadError, Reason

_NOT_READY = 503


class UnfinishedError(ReadError):
    """This try has sent as many requests as it may; the next one continues."""


class ResourceLookup:
    """The resources of one service that a search has seen so far."""

    def __init__(self, service: RedfishClient) -> None:
        self._service = service
        self._seen: dict[str, Json] = {}
        self._left = 0
        self._forbidden: dict[str, ReadError] = {}

    @property
    def forbidden(self) -> ReadError | None:
        """The error of the first resource that this user may not read, where there is one."""
        return next(iter(self._forbidden.values()), None)

    def __len__(self) -> int:
        """Return how many resources have been seen."""
        return len(self._seen)

    def allow(self, requests: int) -> None:
        """Start a try, which may request so many resources that are not cached."""
        self._left = requests

    def clear(self) -> None:
        """Drop all resources."""
        self._seen.clear()
        self._forbidden.clear()

    def drop_oldest(self, count: int) -> None:
        """Drop the resources that were requested longest ago, to request them again.

        Half of them are collections, of which there are few: these list new resources.
        """
        lists = [path for path, seen in self._seen.items() if members(seen)][: count // 2]
        others = [path for path in self._seen if path not in lists][: count - len(lists)]
        for path in lists + others:
            del self._seen[path]
            self._forbidden.pop(path, None)

    async def look(self, path: str) -> Json:
        """Return a resource, requested once; None where it does not exist, or not for this user.

        The links to this service's own address are paths; any other link leads nowhere.

        Raises:
            UnfinishedError: this try may send no more requests.
            ReadError: as `RedfishClient.get`.
        """
        if not is_path(path):
            return None
        if path not in self._seen:
            if not self._left:
                message = f"the search for watts continues; {len(self)} resources have been read"
                raise UnfinishedError(Reason.SEARCHING, message)
            self._left -= 1
            self._seen[path] = await self._request(path)
        return self._seen[path]

    async def _request(self, path: str) -> Json:
        try:
            document = await self._service.get(path)
            replace_strings(document, self._service.own_path)
            return document
        except StatusError as error:
            if error.status == _NOT_READY:
                raise
            if error.reason is Reason.PRIVILEGE_INSUFFICIENT:
                self._forbidden[path] = ReadError(error.reason, str(error), remedy=error.remedy)
            return None
