"""Parser of HTTP/1.1 responses that arrive in pieces: pure, bounded, on llhttp.

llhttp is the parser of Node.js. Its leniency flags accept what embedded and old servers send and
what does no harm: a bare line feed, a space after the length of a chunk.
"""

import zlib
from collections.abc import Mapping
from typing import NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

MAX_RESPONSE = 4 * 1024 * 1024
_ANY_ZLIB = 32 + zlib.MAX_WBITS  # gzip or zlib, as its first bytes say


class HttpError(Exception):
    """What the service sent is not valid HTTP; the message says why."""


class RawResponse(NamedTuple):
    """A status, headers with their names in lower case, and the body, decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ResponseParser:
    """Parser of the responses on one connection, one after the other.

    `keep_alive` says whether the connection can be used for another request.
    """

    def __init__(self) -> None:
        self._parser = HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(
            lenient_headers=True,
            lenient_optional_cr_before_lf=True,
            lenient_spaces_after_chunk_size=True,
        )
        self._size = 0
        self._response: RawResponse | None = None
        self._framed = True
        self._head_read = False
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self.keep_alive = True

    @property
    def started(self) -> bool:
        """Whether a response has started and is not complete."""
        return self._size > 0

    @property
    def refused(self) -> bool:
        """Whether the status of an incomplete response is known, and is a redirect or an error.

        One whose body is cut short, broken or too large keeps its status.
        """
        return self._head_read and self._response is None and self._parser.get_status_code() >= 300

    def feed(self, data: bytes) -> RawResponse | None:
        """Parse a piece, and return the response once it is complete.

        Raises:
            HttpError: it never will be.
        """
        self._size += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self.keep_alive = False
            if self.refused:
                return self.end()
            if self._response is None:
                raise HttpError(str(error)) from None
        if self._response is not None:
            return self._finish(self._response)
        if self._size <= MAX_RESPONSE:
            return None
        if self.refused:
            return self.end()
        raise _too_large()

    def end(self) -> RawResponse:
        """Return the response that ends here: its body has no other end, or only its status counts.

        Raises:
            HttpError: it is not complete.
        """
        if self._framed and not self.refused:
            raise HttpError("the connection ended within the response")
        self.keep_alive = False
        return self._finish(self._read())

    def _finish(self, response: RawResponse) -> RawResponse:
        self._size, self._response, self._framed, self._head_read = 0, None, True, False
        encoding = response.headers.get("content-encoding")
        if not encoding:
            return response
        try:
            return response._replace(body=_decode(response.body, encoding.strip().lower()))
        except HttpError:
            if response.status < 300:
                raise
            return response._replace(body=b"")

    def _read(self) -> RawResponse:
        return RawResponse(self._parser.get_status_code(), self._headers, b"".join(self._body))

    def on_message_begin(self) -> None:
        """Start a response (called by llhttp, as are the methods below)."""
        self._headers, self._body, self._framed, self._head_read = {}, [], True, False
        self.keep_alive = self._response is None  # no request follows more than one response

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; of several with one name, the first."""
        text = value.decode("utf-8", "surrogateescape")
        self._headers.setdefault(name.decode("latin-1").lower(), text)

    def on_headers_complete(self) -> None:
        """Record whether the headers delimit the body (RFC 9112, section 6.3)."""
        headers, interim = self._headers, self._parser.get_status_code() < 200
        self._framed = interim or "content-length" in headers or "transfer-encoding" in headers
        self._head_read = not interim

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Record that it is complete, unless it is interim (RFC 9110, section 15.2)."""
        if self._response is None and self._parser.get_status_code() >= 200:
            self._response = self._read()
            self.keep_alive = self._parser.should_keep_alive()


def _decode(body: bytes, encoding: str) -> bytes:
    """Decompress: some BMCs compress, although no request allows it."""
    if encoding == "identity" or not body:
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise HttpError(f"it is encoded as {encoding}")
    wrapped = encoding != "deflate" or body[0] & 0x0F == zlib.DEFLATED
    decoder = zlib.decompressobj(_ANY_ZLIB if wrapped else -zlib.MAX_WBITS)
    try:
        plain = decoder.decompress(body, MAX_RESPONSE + 1)
    except zlib.error as error:
        raise HttpError(f"it is no {encoding}: {error}") from None
    if len(plain) > MAX_RESPONSE:
        raise _too_large()
    if not decoder.eof:
        raise HttpError(f"it ends within its {encoding}")
    return plain


def _too_large() -> HttpError:
    return HttpError(f"it is larger than {MAX_RESPONSE} bytes")
