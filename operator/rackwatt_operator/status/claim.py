"""A condition before it is written: what is claimed, whether it holds, and why."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

Holds = Literal["True", "False", "Unknown"]


class Claim(NamedTuple):
    """One claim; the reason is for programs, the message says what a person can do."""

    type: str
    status: Holds
    reason: str
    message: str


def listed(words: Sequence[str], most: int = 3) -> str:
    """Join the first few of many sentences."""
    more = f"; and {len(words) - most} more" if len(words) > most else ""
    return "; ".join(words[:most]) + more
