"""Values of documents as messages of validation quote them: in the terms of YAML, never a secret.

Messages reach logs, `/status` and conditions. A text with user information or a query, in whichever
field and however mistaken, may hold a password: the field's path has to suffice to find it.
"""

import re
import reprlib
from itertools import islice
from typing import Any

HIDDEN = "the text (not shown: it may hold a password, which belongs in a Secret)"
_MAY_HOLD_SECRET = re.compile(
    r"@|%40"  # what is before it may be user information (RFC 3986, 3.2.1)
    r"|[?&;#][^=]*="  # a query with keys
    r"|[:/].*[?#]"  # any other query or fragment behind a host or path
    r"|//[^/\[]*:[0-9]*[^0-9/]",  # a port that is no number: user information without its host
    re.DOTALL,
)


def may_hold_secret(text: str) -> bool:
    """Return whether a text has, or may have been meant to have, user information or a query."""
    return bool(_MAY_HOLD_SECRET.search(text))


def shown(raw: Any) -> str:
    """Return plain data as text for a message, shortened if it is long, without secrets."""
    try:
        return _SHOWN.repr(raw)
    except ValueError:  # Python refuses to print an integer of thousands of digits
        return "a number of thousands of digits"


def shown_key(key: Any) -> str:
    """Return the key of a map as a path has it."""
    plain = isinstance(key, str) and key.isprintable() and not may_hold_secret(key)
    return key if plain else shown(key)


class _Shown(reprlib.Repr):
    """Representation of plain data in the terms of YAML."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 60

    def repr_NoneType(self, raw: None, level: int) -> str:  # noqa: N802 - named by reprlib
        del raw, level
        return "nothing"

    def repr_bool(self, raw: bool, level: int) -> str:
        del level
        return "true" if raw else "false"

    def repr_str(self, raw: str, level: int) -> str:
        return HIDDEN if may_hold_secret(raw) else super().repr_str(raw, level)

    def repr_dict(self, raw: dict[Any, Any], level: int) -> str:
        """Show the keys alone: a value beside a key such as `password` may be anything."""
        del level
        more = ", …" if len(raw) > self.maxdict else ""
        keys = ", ".join(shown_key(key) for key in islice(raw, self.maxdict))
        return f"an object with {keys}{more}" if raw else "an empty object"

    def repr_bytes(self, raw: bytes, level: int) -> str:
        """Show what the tag !!binary makes."""
        del raw, level
        return "binary data"


_SHOWN = _Shown()
