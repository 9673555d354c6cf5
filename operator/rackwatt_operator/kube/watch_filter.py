"""Filter of watch streams: drops the echoes of the operator's own applies.

Two of three events are echoes, whose responses came first. Only their versions are decoded here, as
they stream by: kopf would decode each object and start a task, a queue and a handler for it.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import msgspec

from rackwatt_operator.kube.resources import ObjectKey

IsNewer = Callable[[ObjectKey, int], bool]
"""Returns whether this version is newer than the cached one; called in kopf's thread."""

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
    """The body of a watch response, as kopf reads it; everything else is delegated."""

    def __init__(self, content: aiohttp.StreamReader, is_newer: IsNewer) -> None:
        self._content = content
        self._is_newer = is_newer

    def __getattr__(self, name: str) -> Any:
        return getattr(self._content, name)

    async def iter_chunked(self, size: int) -> AsyncIterator[bytes]:
        """Yield the lines with changes, several at a time."""
        partial = b""
        async for block in self._content.iter_chunked(size):
            *lines, partial = (partial + block).split(b"\n")
            if changes := [line for line in lines if self._is_change(line)]:
                yield b"\n".join(changes) + b"\n"
        yield partial

    def _is_change(self, line: bytes) -> bool:
        try:
            event = _EVENT.decode(line)
            version = int(event.object.metadata.resource_version)
        except (
            ValueError,
            RecursionError,
        ):  # an error event without an object
            return True
        metadata = event.object.metadata
        name = ObjectKey(event.object.kind, metadata.namespace, metadata.name)
        return event.type not in _NEWER or self._is_newer(name, version)
