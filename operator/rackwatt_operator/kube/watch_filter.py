"""What a watch tells, without the echoes of our own applies, whose answers came first.

Two of three changes are such. Here their versions alone are read, as they stream by: kopf would
decode each whole, and begin a task, a queue and a handler for it.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import msgspec

from rackwatt_operator.kube.resources import ObjectKey

IsNewer = Callable[[ObjectKey, int], bool]
"""Tells whether an object of this version is newer than what is known; asked in kopf's thread."""

_NEWER = frozenset({"ADDED", "MODIFIED"})


class _Metadata(msgspec.Struct, rename="camel"):
    resource_version: str
    name: str = ""
    namespace: str = ""


class _Object(msgspec.Struct):
    kind: str
    metadata: _Metadata


class _Event(msgspec.Struct):
    type: str
    object: _Object


_EVENT = msgspec.json.Decoder(_Event)


class WatchFilter:
    """A watch's answer, as kopf reads it: by lines. All else is the answer's own."""

    def __init__(self, content: aiohttp.StreamReader, news: IsNewer) -> None:
        self._content = content
        self._news = news

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """Give the lines that tell something, as they come, several at a time."""
        begun = b""
        async for block in self._content.iter_chunked(size):
            *lines, begun = (begun + block).split(b"\n")
            if told := [line for line in lines if self._tells(line)]:
                yield b"\n".join(told) + b"\n"
        yield begun

    def _tells(self, line: bytes) -> bool:
        try:
            event = _EVENT.decode(line)
            version = int(event.object.metadata.resource_version)
        except (ValueError, RecursionError):  # as an error, which tells no object: kopf knows it
            return True
        metadata = event.object.metadata
        name = ObjectKey(event.object.kind, metadata.namespace, metadata.name)
        return event.type not in _NEWER or self._news(name, version)
