"""The mark of a field that a document gives and that cannot be read.

It takes the place of the value in what could be read of a document, so that the rest is judged in
the same run and nothing is concluded from the field. Whatever is below it is unread, too.
"""

from typing import Any


class _Unread:
    def __getattr__(self, name: str) -> "_Unread":
        if name.startswith("__"):  # of a protocol of Python, which it does not follow
            raise AttributeError(name)
        return self

    def __repr__(self) -> str:
        return "UNREAD"


UNREAD: Any = _Unread()
