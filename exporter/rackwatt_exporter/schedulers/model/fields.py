"""Types of fields, with the bounds that every reader keeps to and the relay enforces."""

import re
from typing import Annotated

from msgspec import Meta

from rackwatt_exporter.printable import printable

MAX_WORD = 64
MAX_NAME = 255
MAX_NAMES = 1000
MAX_FLAGS = 64
MAX_REASON = 200
MAX_TIME_S = 2**40
MAX_COUNT = 2**60
MAX_LOAD = 1e9

Word = Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,64}\Z")]
Words = Annotated[tuple[Word, ...], Meta(max_length=MAX_FLAGS)]
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
Names = Annotated[tuple[Name, ...], Meta(max_length=MAX_NAMES)]
Text = Annotated[str, Meta(max_length=MAX_NAME)]
Time = Annotated[int, Meta(ge=1, le=MAX_TIME_S)]
Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
Load = Annotated[float, Meta(ge=0, le=MAX_LOAD)]


_STRANGE = re.compile(r"[^a-z0-9_]+")


def plain_word(text: str, limit: int = MAX_WORD) -> str:
    """Return a word of a peer in the letters that Word has; empty for no word."""
    return _STRANGE.sub("_", text.strip().lower()).strip("_")[:limit]


def name(text: str) -> str:
    """Return a name of a peer in at most MAX_NAME printable characters; empty for no name."""
    return printable(text, MAX_NAME)
