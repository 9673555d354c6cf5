"""All objects of one kind, listed once and watched from then on.

The API server sends a change as soon as it happens, so that ten thousand pods cost what changes of
them. A watch ends every few minutes, and goes on from the last version; where the API server no
longer has that, all objects are listed again (Kubernetes API concepts, "Efficient detection of
changes"). In between the API server sends bookmarks: a watch that is silent for longer may be a
connection that nothing comes through any more, and is opened again.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Generic, TypeVar

import msgspec
from msgspec import field

from rackwatt_exporter.protocols.http.client import HttpClient
from rackwatt_exporter.protocols.http.redaction import quoted
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.kubernetes.credentials import ApiServer
from rackwatt_exporter.schedulers.kubernetes.errors import GONE, Status, refusal

log = logging.getLogger(__name__)

PAGE = 250
"""Objects of one response: ten thousand pods of 7 kB take 59 MiB in all, and 76 MiB by 500."""
WATCH_S = 300
SILENCE_S = 90.0
"""The API server sends a bookmark each minute (k8s.io/apiserver, storage/cacher)."""
MIN_WATCH_S = 1.0
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)

T = TypeVar("T")


class _Metadata(msgspec.Struct, gc=False):
    name: str = ""
    namespace: str = ""
    version: str = field(default="", name="resourceVersion")


class _Identity(msgspec.Struct, gc=False):
    metadata: _Metadata

    @property
    def key(self) -> str:
        meta = self.metadata
        return f"{meta.namespace}/{meta.name}" if meta.namespace else meta.name


class _ListMetadata(msgspec.Struct):
    version: str = field(name="resourceVersion")
    rest: str = field(default="", name="continue")


class _Page(msgspec.Struct):
    metadata: _ListMetadata
    items: list[msgspec.Raw] | None = None


class _Event(msgspec.Struct):
    type: str
    object: msgspec.Raw


_IDENTITY = msgspec.json.Decoder(_Identity)
_PAGE = msgspec.json.Decoder(_Page)
_EVENT = msgspec.json.Decoder(_Event)
_STATUS = msgspec.json.Decoder(Status)


class _GoneError(Exception):
    """The API server no longer has the version that was requested."""


class Watch(Generic[T]):
    """The objects of one kind; `objects` has None for one that could not be read.

    It follows the API server from the first `current` on, in a task of its own. `revision` changes
    whenever an object does. `note` says what is wrong with one of those that could not be read.
    """

    def __init__(
        self,
        server: ApiServer,
        plural: str,
        parse: Callable[[msgspec.Raw], T],
        timeout_s: float,
        headers: Callable[[], Mapping[str, str]],
        silence_s: float = SILENCE_S,
    ) -> None:
        self.objects: dict[str, T | None] = {}
        self.revision = 0
        self.note = ""
        self._path = f"/api/v1/{plural}"
        self._parse = parse
        self._headers = headers
        self._silence_s = silence_s
        self._client = HttpClient(server.url, server.tls, timeout_s)
        self._version = ""
        self._open = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Follow the API server, unless that is done already.

        Raises:
            Exception: what ended it was no failure of the API server or the network.
        """
        task = self._task
        if task is not None and task.done():
            error = None if task.cancelled() else task.exception()
            if error is not None and not isinstance(error, ReadError):
                self._task = None
                raise error
        if task is None or task.done():
            self._task = asyncio.create_task(self._follow(), name=f"watch of {self._path}")

    async def current(self) -> None:
        """Wait until `objects` are those that the API server has.

        Raises:
            ReadError: they cannot be had.
        """
        self.start()
        task = self._task
        assert task is not None  # noqa: S101 - it was started
        opened = asyncio.create_task(self._open.wait())
        try:
            await asyncio.wait({opened, task}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            opened.cancel()
        if task.done():
            self._task = None
            await task

    async def close(self) -> None:
        """End the watch and close its connection."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError, ReadError):
                await task
        await self._client.close()

    async def _follow(self) -> None:
        while True:
            await self._list()
            listed_s = time.monotonic()
            with suppress(_GoneError):
                await self._watch()
            if time.monotonic() - listed_s < MIN_WATCH_S:
                raise self._ends_at_once()
            log.info("%s: listing again, the API server has no older changes", self._path)

    async def _list(self) -> None:
        """List all objects, in pages."""
        listed: dict[str, T | None] = {}
        self.note, rest = "", ""
        while True:
            query: dict[str, int | str] = {"limit": PAGE} | ({"continue": rest} if rest else {})
            response = await self._client.get(self._path, self._headers(), query)
            if response.status != 200:
                raise refusal(response.status, response.body, self._path)
            try:
                page = _PAGE.decode(response.body)
            except _UNREADABLE as error:
                raise _no_list(self._path, error) from None
            listed.update(map(self._read, page.items or ()))
            rest = page.metadata.rest
            if not rest:
                break
        self._version = page.metadata.version
        if listed != self.objects:
            self.objects = listed
            self.revision += 1

    async def _watch(self) -> None:
        """Watch from the last version, in one request after the other.

        Raises:
            _GoneError: the API server does not have that version.
            ReadError: it cannot be watched, or ends at once.
        """
        while True:
            opened_s, version, failure = time.monotonic(), self._version, None
            try:
                await self._watch_once()
            except ReadError as error:
                if not self._open.is_set():
                    raise
                failure = error
            finally:
                self._open.clear()
            if version == self._version and time.monotonic() - opened_s < MIN_WATCH_S:
                raise failure or self._ends_at_once()
            log.debug("the watch of %s ended: %s", self._path, failure)

    async def _watch_once(self) -> None:
        query: dict[str, int | str] = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version,
            "timeoutSeconds": WATCH_S,
        }
        request = self._client.lines(self._path, self._headers(), query, self._silence_s)
        async with request as (status, lines):
            if status == GONE:
                raise _GoneError
            if status != 200:
                body = b"".join([line async for line in lines])
                raise refusal(status, body, self._path)
            self._open.set()
            async for line in lines:
                self._apply(line)

    def _apply(self, line: bytes) -> None:
        """Apply one event."""
        try:
            event = _EVENT.decode(line)
            if event.type == "ERROR":
                status = _STATUS.decode(event.object)
                if status.code == GONE:
                    raise _GoneError
                raise refusal(status.code or 500, bytes(event.object), self._path)
            identity = _IDENTITY.decode(event.object)
        except _UNREADABLE as error:
            raise _no_list(self._path, error) from None
        self._version = identity.metadata.version or self._version
        if event.type in ("ADDED", "MODIFIED"):
            key, value = self._read(event.object)
            if key not in self.objects or self.objects[key] != value:
                self.objects[key] = value
                self.revision += 1
        elif event.type == "DELETED" and identity.key in self.objects:
            del self.objects[identity.key]
            self.revision += 1

    def _read(self, raw: msgspec.Raw) -> tuple[str, T | None]:
        """Read one object; None where it cannot be read."""
        key = ""
        try:
            key = _IDENTITY.decode(raw).key
            return key, self._parse(raw)
        except _UNREADABLE as error:
            self.note = quoted(f"{key or 'an object'} of {self._path}: {error}")
            return key, None

    def _ends_at_once(self) -> ReadError:
        return ReadError(Reason.BAD_REPLY, f"the watch of {self._path} ends at once")


def _no_list(path: str, error: Exception) -> ReadError:
    message = f"{path} is not an answer of a Kubernetes API server: {error}"
    return ReadError(Reason.BAD_REPLY, message)
