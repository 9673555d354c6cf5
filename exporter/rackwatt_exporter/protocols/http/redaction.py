"""What a peer says, without the secrets of the request: some gateways echo a refused token.

Words of a peer are quoted in messages, on the status page and in logs. Both clients of HTTP apply
this to a response before anybody reads it, and before its words are cut to a length.
"""

import base64
import binascii
import html
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import msgspec

HIDDEN = b"(redacted)"
_NO_SECRETS = frozenset(("accept", "content-type", "if-none-match", "x-slurm-user-name"))
_IN_BODY = frozenset(("password", "secret"))
# By which a service gives a token; they are for the client, and never quoted.
_TOKENS = frozenset(("x-auth-token", "x-subject-token", "etag"))
_MIN_BYTES = 4  # shorter ones would take every word apart
_MIN_BYTES_OF_DATA = 16  # a shorter one may be a number or a name that is data


class Redaction:
    """The secrets of one request, in each form in which they may come back."""

    def __init__(self, headers: Mapping[str, str], body: bytes | None = None) -> None:
        said = {*_of_headers(headers), *_of_body(body)}
        forms = {form for secret in said for form in _forms(secret)}
        # The longest first: one may be a part of another.
        self._secrets = sorted((f for f in forms if len(f) >= _MIN_BYTES), key=len, reverse=True)

    def body(self, body: bytes, status: int) -> bytes:
        """Return a body without the secrets; what succeeded is data, and keeps short words."""
        least = _MIN_BYTES if status >= 300 else _MIN_BYTES_OF_DATA
        return self._hidden(body, least)

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return the headers, with names in lower case, without the secrets."""
        return {
            name: value if name in _TOKENS else self._text(value) for name, value in headers.items()
        }

    def _text(self, value: str) -> str:
        return self._hidden(value.encode("utf-8", "surrogateescape"), _MIN_BYTES).decode(
            "utf-8", "surrogateescape"
        )

    def _hidden(self, text: bytes, least: int) -> bytes:
        for secret in self._secrets:
            if len(secret) >= least and secret in text:
                text = text.replace(secret, HIDDEN)
        return text


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


def _forms(secret: str) -> Iterator[bytes]:
    """Yield a secret as it is, and as JSON, HTML and URLs spell it."""
    as_json = secret.replace("\\", "\\\\").replace('"', '\\"')
    for form in (secret, as_json, html.escape(secret), quote(secret, safe="")):
        yield form.encode("utf-8", "surrogateescape")
