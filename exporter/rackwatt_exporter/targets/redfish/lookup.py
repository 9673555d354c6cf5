"""Looking around in a Redfish service: what it answered is kept, and one try asks for little.

A BMC may take a second for each request, and may be searched in vain again and again. So nothing is
requested twice in one search, and a search that needs more than its try may ask for goes on with
the next one.
"""

from rackwatt_exporter.protocols.redfish.client import RedfishClient
from rackwatt_exporter.protocols.redfish.exchange import StatusError
from rackwatt_exporter.protocols.redfish.json import Json, members
from rackwatt_exporter.reading import ReadError, Reason

_NOT_READY = 503


class UnfinishedError(ReadError):
    """This try has sent as many requests as it may; the next one goes on."""


class Looking:
    """The resources of one service that a search has seen so far."""

    def __init__(self, service: RedfishClient) -> None:
        self._service = service
        self._seen: dict[str, Json] = {}
        self._left = 0
        self.forbidden: ReadError | None = None

    def __len__(self) -> int:
        """Return how many resources have been seen."""
        return len(self._seen)

    def allow(self, requests: int) -> None:
        """Begin a try, which may ask for so many resources that have not been seen."""
        self._left = requests

    def forget(self) -> None:
        """Forget all resources."""
        self._seen.clear()
        self.forbidden = None

    def forget_oldest(self, count: int) -> None:
        """Forget the resources that were requested longest ago, to request them again.

        Half of them are collections, of which there are few: what is new is found by these.
        """
        lists = [path for path, seen in self._seen.items() if members(seen)][: count // 2]
        others = [path for path in self._seen if path not in lists][: count - len(lists)]
        for path in lists + others:
            del self._seen[path]

    async def look(self, path: str) -> Json:
        """Return a resource, requested once; None where the service has none, or none for us.

        Raises:
            UnfinishedError: this try may not ask for more.
            ReadError: as `RedfishService.get`.
        """
        if path not in self._seen:
            if not self._left:
                message = f"still looking for watts; {len(self)} resources have been looked at"
                raise UnfinishedError(Reason.SEARCHING, message)
            self._left -= 1
            self._seen[path] = await self._request(path)
        return self._seen[path]

    async def _request(self, path: str) -> Json:
        try:
            return await self._service.get(path)
        except StatusError as error:
            if error.status == _NOT_READY:
                raise
            if error.reason is Reason.PRIVILEGE_INSUFFICIENT:
                self.forbidden = ReadError(error.reason, str(error))
            return None
