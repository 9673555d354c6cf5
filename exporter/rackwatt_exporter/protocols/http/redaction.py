"""Quotations of a peer without the secrets of the request: some gateways echo a refused token.

Only words that go into a message are redacted, where they are quoted: responses are parsed as they
came, or a password such as `redfish` would change paths. A context variable has the last request of
the current task: a success costs nothing more.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from contextvars import ContextVar
from html.entities import codepoint2name
from typing import Any, NamedTuple

import msgspec

from rackwatt_exporter.printable import MAX_WORDS, printable

HIDDEN = "(redacted)"
_NO_SECRETS = frozenset(("accept", "content-type", "if-none-match", "x-slurm-user-name"))
_IN_BODY = frozenset(("password", "secret"))
_SHORTEST = 4  # characters; a shorter one is hidden where it is a word, and takes none apart
_SHORTEST_CUT = 8  # the start of a shorter one is a word of its own
_LONGEST_PASSWORD = 64  # what is longer is a token
_LONGEST_SPELLING = 32  # characters, of one character
_JSON_ESCAPES = {"\n": "n", "\r": "r", "\t": "t"}
_BACKSLASHES = r"\\{1,8}"  # bounded, as all repetitions here: a peer's text must not take long


class _Request(NamedTuple):
    headers: Mapping[str, str]
    body: bytes | None


_sent: ContextVar[_Request | None] = ContextVar("sent", default=None)


def sending(headers: Mapping[str, str], body: bytes | None = None) -> None:
    """Remember a request of this task until its next one: its secrets are in no quoted word."""
    _sent.set(_Request(headers, body))


def quoted(text: str | bytes, limit: int = MAX_WORDS) -> str:
    """Return a peer's text for a message: printable, at most `limit` characters, no secrets."""
    secrets = _secrets(_sent.get())
    if not secrets:
        return printable(text, limit)
    # Cut only once the secrets are out of it: the start of one would be left.
    longest = _LONGEST_SPELLING * len(secrets[0])
    head = text[: 4 * (limit + 1) + 2 * longest]
    words = head.decode("utf-8", "replace") if isinstance(head, bytes) else head
    hidden = _pattern(secrets).sub(HIDDEN, words)
    if len(head) < len(text):
        hidden = hidden[:-longest] or HIDDEN
    return printable(hidden, limit)


def without_secrets(text: str) -> str:
    """Return a whole text without the secrets of the last request of this task."""
    secrets = _secrets(_sent.get())
    return _pattern(secrets).sub(HIDDEN, text) if secrets else text


def _secrets(request: _Request | None) -> list[str]:
    """Return the secrets of a request, the longest first: one may be a part of another."""
    if request is None:
        return []
    plain = {*_of_headers(request.headers), *_of_body(request.body)}
    encoded = {form for secret in plain for form in _as_base64(secret)}
    return sorted((plain | encoded) - {""}, key=len, reverse=True)


def _of_headers(headers: Mapping[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        if name.lower() in _NO_SECRETS or name.lower().endswith("-api-version"):
            continue
        yield value
        scheme, _, credentials = value.partition(" ")
        yield credentials
        if scheme.lower() == "basic":
            with suppress(binascii.Error, UnicodeDecodeError):
                pair = base64.b64decode(credentials).decode()
                yield from (pair, pair.partition(":")[2])


def _of_body(body: bytes | None) -> Iterator[str]:
    """Yield the secrets of a log-in's JSON."""
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        yield from _secrets_in(msgspec.json.decode(body) if body else None)


def _secrets_in(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        for key, value in document.items():
            if isinstance(value, str) and key.lower() in _IN_BODY:
                yield value
            else:
                yield from _secrets_in(value)


def _as_base64(secret: str) -> Iterator[str]:
    data = secret.encode("utf-8", "surrogatepass")
    yield base64.b64encode(data).decode().rstrip("=")
    yield base64.urlsafe_b64encode(data).decode().rstrip("=")


def _pattern(secrets: list[str]) -> re.Pattern[str]:
    """Return what matches each of them, in either case and however JSON, HTML or a URL spells it.

    Text may be escaped several times, as where a service quotes JSON in JSON.
    """
    return re.compile("|".join(map(_spelled, secrets)), re.IGNORECASE)


def _spelled(secret: str) -> str:
    """Return the expression of a secret, or of most of one: the peer may cut its words too."""
    each = list(map(_spellings, secret))
    if len(each) < _SHORTEST:
        return rf"(?<![^\W_]){''.join(each)}(?![^\W_])"
    least = max(_SHORTEST_CUT, len(each) * 3 // 4)
    if len(each) > _LONGEST_PASSWORD:
        start = "".join(each[:_LONGEST_PASSWORD])
        return rf"{''.join(each)}|{start}[^\s\"'<>]{{0,8192}}"
    rest = ""
    for spellings in reversed(each[least:]):
        rest = f"(?:{spellings}{rest})?"
    return "".join(each[:least]) + rest


def _spellings(character: str) -> str:
    """Return the spellings of a character as a group of an expression."""
    if character.isascii() and character.isalnum():
        return character
    code, utf8 = ord(character), character.encode("utf-8", "surrogatepass")
    name = codepoint2name.get(code, "apos")
    utf16 = character.encode("utf-16-be", "surrogatepass").hex()
    units = (utf16[at : at + 4] for at in range(0, len(utf16), 4))
    found = [
        rf"&(?:amp;){{0,3}}(?:#0{{0,4}}{code}|#x0{{0,4}}{code:x}|{name});",
        "".join(rf"%(?:25){{0,3}}{byte:02x}" for byte in utf8),
        "".join(rf"{_BACKSLASHES}u{unit}" for unit in units),
        *(rf"{_BACKSLASHES}{letter}" for letter in _JSON_ESCAPES.get(character, "")),
        rf"\\{{0,8}}{re.escape(character)}",
    ]
    if character.isspace():
        found += [r"\s{1,4}", r"\+"]
    if code > 0x7F:
        found += _misread(character, utf8)
    return f"(?:{'|'.join(found)})"


def _misread(character: str, utf8: bytes) -> Iterator[str]:
    """Yield what is left of a character that is not in UTF-8, or is taken for Latin-1."""
    yield "\N{REPLACEMENT CHARACTER}{1,4}"
    yield re.escape(utf8.decode("latin-1"))
    yield "".join(rf"{_BACKSLASHES}x{byte:02x}" for byte in utf8)
    if ord(character) <= 0xFF:
        yield from (rf"%{ord(character):02x}", rf"{_BACKSLASHES}x{ord(character):02x}")
        yield chr(0xDC00 + ord(character))  # as `surrogateescape` decodes it
