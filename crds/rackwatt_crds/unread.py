"""Marker of a field whose value cannot be read.

It replaces the value in a partially read document, so that the rest is validated in the same run
and nothing is concluded from the field. Every attribute of it is unread, too.
"""

from typing import Any


class _Unread:
    def __getattr__(self, name: str) -> "_Unread":
        if name.startswith("__"):  # a protocol of Python that it does not implement
            raise AttributeError(name)
        return self

    def __repr__(self) -> str:
        return "UNREAD"


UNREAD: Any = _Unread()
