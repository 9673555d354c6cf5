"""A large array of JSON records, divided while it arrives: some thousands of records at a time.

Fifty thousand jobs are 278 MB of JSON in Slurm 24.11. Nothing is scanned byte by byte: the records
of one array begin with the same key, so that what is between two of them looks the same everywhere,
and cannot be within a text, whose quotes are escaped. Where an inner array looks like that too,
what is divided there does not decode, and is divided elsewhere.
"""

import re
from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

BLOCK_BYTES = 2**20
MAX_BYTES = 32 * 2**20
"""The most that may arrive without the end of a record."""
_TRIES = 8
_END = ord("]")
_FIRST_KEY = re.compile(rb'\[\s*\{\s*("(?:[^"\\]|\\.)*")\s*:')
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

T = TypeVar("T")


class RecordStreamError(Exception):
    """More has arrived than may without the end of a record."""


class RecordStream(Generic[T]):
    """The records of one array of an answer that arrives in chunks.

    `key` is the name of the array in the answer, `records` decodes a list of them.
    """

    def __init__(
        self, key: str, records: "msgspec.json.Decoder[list[T]]", block_bytes: int = BLOCK_BYTES
    ) -> None:
        self._array = re.compile(rb'"%b"\s*:\s*\[' % re.escape(key.encode()))
        self._records = records
        self._block_bytes = block_bytes
        self._head = b""  # up to the array; empty until that begins
        self._separators: list[bytes] = []  # what is between two records, likelier ones first
        self._left = b""  # what `divide` has left; once the array has started, from a `[` on
        self._chunks: list[bytes] = []  # what has arrived since
        self._size = 0  # of these

    @property
    def rest(self) -> bytes:
        """The answer, as far as it has arrived, without the records that `divide` returned."""
        return b"".join((self._head[:-1], self._left, *self._chunks))

    def feed(self, chunk: bytes) -> bool:
        """Take the next bytes; return whether a block has arrived, for `divide`.

        What could not be divided is looked at again once there is twice as much.
        """
        self._chunks.append(chunk)
        self._size += len(chunk)
        return self._size >= max(self._block_bytes, len(self._left))

    def divide(self) -> list[T]:
        """Return the records that have arrived as a whole, and were not returned yet.

        Raises:
            RecordStreamError: MAX_BYTES have arrived without the end of a record.
        """
        buffer = bytearray().join((self._left, *self._chunks))
        self._chunks, self._size = [], 0
        if not self._head:
            buffer = self._from_array(buffer)
        records = self._take(buffer) if self._head else []
        self._left = bytes(buffer)
        if len(buffer) > MAX_BYTES:
            raise RecordStreamError
        return records

    def _from_array(self, buffer: bytearray) -> bytearray:
        """Return what follows the head; an inner array of the same name is another."""
        text = bytes(buffer)
        for start in self._array.finditer(text):
            head = text[: start.end()]
            try:
                msgspec.json.decode(head + b"]}", type=dict[str, msgspec.Raw])
            except _UNREADABLE:
                continue
            self._head = head
            return buffer[len(head) - 1 :]
        return buffer

    def _take(self, buffer: bytearray) -> list[T]:
        """Take the records up to the last one that has arrived with the beginning of another."""
        self._separators = self._separators or _likely_separators(buffer)
        for separator in self._separators:
            for end in _ends(buffer, separator):
                records = self._decoded(buffer, end)
                if records is not None:
                    self._separators = [separator]
                    buffer[: buffer.index(b"{", end)] = b"["
                    return records
        return []

    def _decoded(self, buffer: bytearray, end: int) -> list[T] | None:
        """Decode the array as if it ended there, without a copy of it; None where it does not."""
        following, buffer[end] = buffer[end], _END
        try:
            with memoryview(buffer) as whole, whole[: end + 1] as part:
                return self._records.decode(part)
        except _UNREADABLE:
            return None
        finally:
            buffer[end] = following


def _likely_separators(buffer: bytearray) -> list[bytes]:
    """Return all that is between two records that begin with the key of the first one."""
    text = bytes(buffer)
    first = _FIRST_KEY.match(text)
    if first is None:
        return []
    between = re.compile(rb"\}\s*,\s*\{\s*" + re.escape(first[1]))
    return list(dict.fromkeys(found[0] for found in between.finditer(text)))


def _ends(buffer: bytearray, separator: bytes) -> Iterator[int]:
    """Go through ends of records, from the last one on."""
    end = len(buffer)
    for _ in range(_TRIES):
        end = buffer.rfind(separator, 0, end)
        if end < 0:
            return
        yield end + 1
