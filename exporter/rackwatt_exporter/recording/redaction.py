"""Redaction of a capture: credentials, and names and numbers that identify its owner.

A secret is removed everywhere, even inside other words. A name of a machine (its node, address,
serial number) is replaced where it is a whole word, and always by the same placeholder, so that
links between resources still work.
"""

import re
from collections.abc import Iterable
from typing import Any

SHORTEST_SECRET = 4
_SHORTEST_NAME = 2
_PLACEHOLDERS = ("***", "---", "###", "")
_MAX_LEARNT = 256
_LINK = "@odata.id"

_UUID = re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE)
_MAC = re.compile(
    r"\b[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}(?:(?:[:-][0-9a-f]{2}){2})?\b", re.IGNORECASE
)
# Properties that identify an owner, in DSP0268 and in the vendors' Oem objects.
_OWN = re.compile(
    r"serial|uuid|guid|asset|service_?tag|expressservice|nodeid|^sku$|host_?name|fqdn|dns|domain"
    r"|mac_?addr|wwn|wwpn|ip(v[46])?_?addr|addresses|^address$|gateway|user_?name|password|token"
    r"|e_?mail|contact|postal|latitude|longitude|owner|licen[cs]e_?key|certificatestring|publickey",
    re.IGNORECASE,
)


class Redactor:
    """Redacts documents. Call `learn` for all of them first, then `document` for each."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._names: dict[str, str] = {}
        self._numbers: dict[str, str] = {}

    def remove(self, secret: str) -> None:
        """Register a text to remove, even inside a word."""
        if secret:
            self._secrets.add(secret)

    def replace(self, name: str, placeholder: str) -> None:
        """Register a text to replace where it is a whole word."""
        if len(name) >= _SHORTEST_NAME:
            self._names.setdefault(name, placeholder)

    def learn(self, document: Any) -> None:
        """Register the values of properties that identify an owner."""
        for name, value in _properties(document):
            if isinstance(value, str) and 4 < len(value) <= _MAX_LEARNT and _is_own(name):
                self.replace(value, f"redacted-{len(self._names) + 1}")

    def document(self, document: Any, own: bool = False) -> Any:
        """Return redacted plain data; `own` says that all of it identifies an owner."""
        if isinstance(document, str):
            return "redacted" if own and document else self.text(document)
        if isinstance(document, list):
            return [self.document(each, own) for each in document]
        if isinstance(document, dict):
            return {
                self._secretless(_UUID.sub(self._number_uuid, str(name))): self.document(
                    value, _is_own(str(name), own)
                )
                for name, value in document.items()
            }
        if own and isinstance(document, int | float) and not isinstance(document, bool):
            return 0
        return document

    def text(self, text: str) -> str:
        """Return a redacted text."""
        for name in sorted(self._names, key=len, reverse=True):
            if name in text:
                word = rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])"
                text = re.sub(word, self._names[name], text)
        text = _UUID.sub(self._number_uuid, text)
        text = _MAC.sub("00:00:00:00:00:00", text)
        return self._secretless(text)

    def octets(self, octets: bytes) -> bytes:
        """Return redacted bytes: unchanged, or none, if they contain a secret or a name."""
        own = any(secret.encode() in octets for secret in (*self._secrets, *self._names))
        return b"" if own else octets

    def leaks(self, text: str) -> bool:
        """Return whether a text contains a secret."""
        return any(secret in text for secret in self._secrets)

    def _number_uuid(self, match: re.Match[str]) -> str:
        number = len(self._numbers) + 1
        placeholder = f"00000000-0000-0000-0000-{number:012}"
        return self._numbers.setdefault(match[0].lower(), placeholder)

    def _secretless(self, text: str) -> str:
        """Replace each secret by a placeholder; return nothing where that results in a secret."""
        if not self.leaks(text):
            return text
        for placeholder in _PLACEHOLDERS:
            redacted = text
            for secret in sorted(self._secrets, key=len, reverse=True):
                redacted = redacted.replace(secret, placeholder)
            if not self.leaks(redacted):
                return redacted
        return ""


def _is_own(name: str, parent: bool = False) -> bool:
    """Return whether a property identifies an owner, by its name or by that of its parent."""
    return name != _LINK and (parent or _OWN.search(name) is not None)


def _properties(document: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(document, dict):
        yield from ((str(name), value) for name, value in document.items())
    inner = document.values() if isinstance(document, dict) else document
    if isinstance(document, dict | list):
        for each in inner:
            yield from _properties(each)
