"""Error text in the body of a response: JSON of any API, a page of HTML, or plain text."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from rackwatt_exporter.protocols.http.redaction import quoted

# Where services and gateways write what is wrong.
_MESSAGES = ("message", "detail", "description", "faultstring", "error_description", "error")
_TITLE = re.compile(rb"<title[^>]*>([^<]+)<", re.IGNORECASE)
_MAX_WORDS = 300
_MAX_TITLE_BYTES = 4096
_MAX_DEPTH = 6


def page_title(body: bytes) -> str:
    """Return the title of a page of HTML; empty where there is none."""
    title = _TITLE.search(body[:_MAX_TITLE_BYTES])
    return quoted(title[1], _MAX_WORDS) if title else ""


def error_words(body: bytes) -> str:
    """Return what a body says of an error, without secrets; empty where it says nothing."""
    if title := page_title(body):
        return title
    start = body.lstrip()[:1]
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "" if start in (b"<", b"{", b"[") else quoted(body.strip(), _MAX_WORDS)
    if isinstance(content, str) and not content.startswith("{"):
        return quoted(content, _MAX_WORDS)
    return quoted(next(_messages(content, _MAX_DEPTH), ""), _MAX_WORDS)


def _messages(content: Any, depth: int) -> Iterator[str]:
    """Yield the messages of an error; Ironic has JSON in a string of JSON."""
    if isinstance(content, str) and content.startswith("{"):
        content = _decoded(content)
    if depth and isinstance(content, dict):
        found = (content.get(key) for key in _MESSAGES)
        yield from (text for text in found if isinstance(text, str) and text[:1] not in ("", "{"))
        content = list(content.values())
    if depth and isinstance(content, list):
        for inner in content:
            yield from _messages(inner, depth - 1)


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
