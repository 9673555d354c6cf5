"""A service of a cloud: GET requests with the token of Keystone, page by page."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec

from rackwatt_exporter.protocols.http.client import HttpClient, HttpResponse
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.openstack.errors import malformed, refusal
from rackwatt_exporter.schedulers.openstack.keystone import Keystone

_MAX_PAGES = 10_000
T = TypeVar("T")


class Page(Protocol):
    """A part of a list."""

    @property
    def records(self) -> Sequence[object]:
        """The records of this part."""
        ...

    @property
    def next_page(self) -> str:
        """The URL of the next part; empty at the end."""
        ...


P = TypeVar("P", bound=Page)


class Service:
    """Nova, Placement or Ironic; `name` is for messages, `headers` have the version of its API."""

    def __init__(
        self, name: str, client: HttpClient, keystone: Keystone, headers: Mapping[str, str]
    ) -> None:
        self._name = name
        self._client = client
        self._keystone = keystone
        self._headers = headers

    async def response(self, path: str, query: Mapping[str, str] | None = None) -> HttpResponse:
        """Send a GET request; where the token is not accepted, once more with another token."""
        response = await self._send(path, query)
        return response if response.status != 401 else await self._send(path, query)

    async def get(
        self, path: str, decoder: msgspec.json.Decoder[T], query: Mapping[str, str] | None = None
    ) -> T:
        """Return a decoded body.

        Raises:
            ReadError: auth_failed, privilege_insufficient, bad_reply, and those of
                `HttpClient.get`.
        """
        response = await self.response(path, query)
        what = f"{path} of {self._name}"
        if response.status != 200:
            raise refusal(response, what)
        try:
            return decoder.decode(response.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise malformed(response.body, what, error) from None

    async def records(
        self, path: str, decoder: msgspec.json.Decoder[P], query: Mapping[str, str] | None = None
    ) -> list[object]:
        """Return the records of a list, page by page.

        A link to the next page may name a host that only the service knows: its query alone is
        sent, to the endpoint of the catalog.

        Raises:
            ReadError: as `get`; bad_reply where a page links to one before it.
        """
        found: list[object] = []
        requested = dict(query or {})
        sent: set[frozenset[tuple[str, str]]] = set()
        while (key := frozenset(requested.items())) not in sent and len(sent) < _MAX_PAGES:
            sent.add(key)
            page = await self.get(path, decoder, requested)
            found += page.records
            if not page.next_page:
                return found
            requested = _query(page.next_page)
        message = f"{path} of {self._name} has no end: a page links to one before it"
        raise ReadError(Reason.BAD_REPLY, message)

    async def _send(self, path: str, query: Mapping[str, str] | None) -> HttpResponse:
        token = await self._keystone.token()
        headers = {"X-Auth-Token": token.text, "Accept": "application/json", **self._headers}
        response = await self._client.get(path, headers, query or None)
        if response.status == 401:
            self._keystone.refused(token)
        return response


def _query(url: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(urlsplit(url).query))
    except ValueError:
        return {}
