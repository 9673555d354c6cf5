"""Answers of HTTP/1.1, out of bytes that come in pieces: pure, bounded, read by llhttp.

llhttp is what Node.js reads HTTP with. As elsewhere where servers are embedded and old, it is told
to overlook what does no harm: a bare line feed, a space after the length of a chunk.
"""

import zlib
from collections.abc import Mapping
from typing import NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

LARGEST_ANSWER = 4 * 1024 * 1024
_ANY_ZLIB = 32 + zlib.MAX_WBITS  # gzip or zlib, as its first bytes say


class HttpError(Exception):
    """What came is not HTTP as it should be, told in words."""


class HttpAnswer(NamedTuple):
    """A status, headers with their names in lower case, and the body, decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ResponseParser:
    """The answers on one connection, one after the other.

    `keeps` tells whether the connection is good for another after the last one.
    """

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        self._size = 0
        self._answer: HttpAnswer | None = None
        self._framed = True
        self._head_read = False
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self.keeps = True

    @property
    def begun(self) -> bool:
        """Tell whether an answer has begun that is not whole."""
        return self._size > 0

    @property
    def refused(self) -> bool:
        """Whether the status of an incomplete answer is known, and needs no body to be understood.

        A redirect or an error whose body is cut short, broken or too large keeps its status.
        """
        return self._head_read and self._answer is None and self._parser.get_status_code() >= 300

    def take(self, data: bytes) -> HttpAnswer | None:
        """Take a piece, and give the answer once it is whole.

        Raises:
            HttpError: it never will be.
        """
        self._size += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self.keeps = False
            if self.refused:
                return self.end()
            if self._answer is None:
                raise HttpError(str(error)) from None
        if self._answer is not None:
            return self._given(self._answer)
        if self._size <= LARGEST_ANSWER:
            return None
        if self.refused:
            return self.end()
        raise _too_large()

    def end(self) -> HttpAnswer:
        """Give the answer that ends here: its body has no other end, or only its status counts.

        Raises:
            HttpError: it is not whole.
        """
        if self._framed and not self.refused:
            raise HttpError("the connection ended within the answer")
        self.keeps = False
        return self._given(self._read())

    def _given(self, answer: HttpAnswer) -> HttpAnswer:
        self._size, self._answer, self._framed, self._head_read = 0, None, True, False
        encoding = answer.headers.get("content-encoding")
        if not encoding:
            return answer
        try:
            return answer._replace(body=_decoded(answer.body, encoding.strip().lower()))
        except HttpError:
            if answer.status < 300:
                raise
            return answer._replace(body=b"")

    def _read(self) -> HttpAnswer:
        return HttpAnswer(self._parser.get_status_code(), self._headers, b"".join(self._body))

    def on_message_begin(self) -> None:
        """Begin an answer (called by the parser, as all that follows)."""
        self._headers, self._body, self._framed, self._head_read = {}, [], True, False
        self.keeps = self._answer is None  # who says more than was asked is not asked again

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; of several alike, the first."""
        text = value.decode("utf-8", "surrogateescape")
        self._headers.setdefault(name.decode("latin-1").lower(), text)

    def on_headers_complete(self) -> None:
        """Note whether the body tells its own end (RFC 9112, section 6.3)."""
        headers, interim = self._headers, self._parser.get_status_code() < 200
        self._framed = interim or "content-length" in headers or "transfer-encoding" in headers
        self._head_read = not interim

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Note that it is whole, unless the answer proper follows (RFC 9110, section 15.2)."""
        if self._answer is None and self._parser.get_status_code() >= 200:
            self._answer = self._read()
            self.keeps = self._parser.should_keep_alive()


def _decoded(body: bytes, encoding: str) -> bytes:
    """Decompress: some BMCs compress, though nobody said that they may."""
    if encoding == "identity" or not body:
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise HttpError(f"it is encoded as {encoding[:40]}")
    wrapped = encoding != "deflate" or body[0] & 0x0F == zlib.DEFLATED
    decoder = zlib.decompressobj(_ANY_ZLIB if wrapped else -zlib.MAX_WBITS)
    try:
        plain = decoder.decompress(body, LARGEST_ANSWER + 1)
    except zlib.error as error:
        raise HttpError(f"it is no {encoding}: {error}") from None
    if len(plain) > LARGEST_ANSWER:
        raise _too_large()
    if not decoder.eof:
        raise HttpError(f"it ends within its {encoding}")
    return plain


def _too_large() -> HttpError:
    return HttpError(f"it is larger than {LARGEST_ANSWER} bytes")
