"""Taking out of a capture what tells whose it is: credentials first, then names and numbers.

What is secret goes wherever it stands, even inside other words. What names somebody's machine (its
node, address, serial number) goes where it stands as a word, and always into the same stand-in, so
that links between resources still lead somewhere.
"""

import re
from collections.abc import Iterable
from typing import Any

SHORTEST_SECRET = 4
_SHORTEST_NAME = 2
_STAND_INS = ("***", "---", "###", "")
_LONGEST_LEARNT = 256
_LINK = "@odata.id"

_UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE)
_MAC = re.compile(
    r"\b[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}(?:(?:[:-][0-9a-f]{2}){2})?\b", re.IGNORECASE
)
# Properties that hold what is somebody's own, in DSP0268 and in the vendors' Oem parts.
_OWN = re.compile(
    r"serial|uuid|guid|asset|service_?tag|expressservice|nodeid|^sku$|host_?name|fqdn|dns|domain"
    r"|mac_?addr|wwn|wwpn|ip(v[46])?_?addr|addresses|^address$|gateway|user_?name|password|token"
    r"|e_?mail|contact|postal|latitude|longitude|owner|licen[cs]e_?key|certificatestring|publickey",
    re.IGNORECASE,
)


class Redactor:
    """Knows what must not be told. `learn` from everything first, then `document` each part."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._names: dict[str, str] = {}
        self._numbers: dict[str, str] = {}

    def hide(self, secret: str) -> None:
        """Note what must not be in the capture, not even inside a word."""
        if secret:
            self._secrets.add(secret)

    def call(self, name: str, stand_in: str) -> None:
        """Note what is to be called something else where it stands as a word."""
        if len(name) >= _SHORTEST_NAME:
            self._names.setdefault(name, stand_in)

    def learn(self, document: Any) -> None:
        """Note the values of properties that hold what is somebody's own."""
        for name, value in _properties(document):
            if isinstance(value, str) and 4 < len(value) <= _LONGEST_LEARNT and _is_own(name):
                self.call(value, f"redacted-{len(self._names) + 1}")

    def document(self, document: Any, own: bool = False) -> Any:
        """Give plain data as it may be told; `own` says that all of it is somebody's own."""
        if isinstance(document, str):
            return "redacted" if own and document else self.text(document)
        if isinstance(document, list):
            return [self.document(each, own) for each in document]
        if isinstance(document, dict):
            return {
                self._secretless(_UUID.sub(self._numbered, str(name))): self.document(
                    value, _is_own(str(name), own)
                )
                for name, value in document.items()
            }
        if own and isinstance(document, int | float) and not isinstance(document, bool):
            return 0
        return document

    def text(self, text: str) -> str:
        """Give a text as it may be told."""
        for name in sorted(self._names, key=len, reverse=True):
            if name in text:
                word = rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])"
                text = re.sub(word, self._names[name], text)
        text = _UUID.sub(self._numbered, text)
        text = _MAC.sub("00:00:00:00:00:00", text)
        return self._secretless(text)

    def octets(self, octets: bytes) -> bytes:
        """Give bytes as they may be told: unchanged, or none, if a secret is in them."""
        told = any(secret.encode() in octets for secret in (*self._secrets, *self._names))
        return b"" if told else octets

    def leaks(self, text: str) -> bool:
        """Tell whether a secret is in a text."""
        return any(secret in text for secret in self._secrets)

    def _numbered(self, found: re.Match[str]) -> str:
        number = len(self._numbers) + 1
        stand_in = f"00000000-0000-0000-0000-{number:012}"
        return self._numbers.setdefault(found[0].lower(), stand_in)

    def _secretless(self, text: str) -> str:
        """Put something else for each secret; nothing at all where that makes one again."""
        if not self.leaks(text):
            return text
        for stand_in in _STAND_INS:
            told = text
            for secret in sorted(self._secrets, key=len, reverse=True):
                told = told.replace(secret, stand_in)
            if not self.leaks(told):
                return told
        return ""


def _is_own(name: str, around: bool = False) -> bool:
    """Tell whether a property is somebody's own, by its name or by what is around it."""
    return name != _LINK and (around or _OWN.search(name) is not None)


def _properties(document: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(document, dict):
        yield from ((str(name), value) for name, value in document.items())
    inner = document.values() if isinstance(document, dict) else document
    if isinstance(document, dict | list):
        for each in inner:
            yield from _properties(each)
