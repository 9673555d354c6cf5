"""JSON as Slurm writes it: numbers that are wrapped since 23.02, and one that is no JSON.

Where a share has no usage its level is infinite. Slurm 23.11, and v0.0.40 of any release, answer
`Infinity`; newer ones say so beside the number, and 26.05 answers 2^64-1 again.
"""

import re
from typing import Any, TypeVar

import msgspec

from rackwatt_exporter.schedulers.model.fields import MAX_COUNT

_INFINITY = re.compile(rb"(?<=[:\s,\[])Infinity(?=\s*[,}\]])")
_PLACEHOLDER = b"18446744073709551615.0"

T = TypeVar("T")


def decode_json(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
    """Decode an answer, an infinite number in it as 2^64-1.

    Raises:
        msgspec.MsgspecError: it is none; UnicodeDecodeError and RecursionError, too.
    """
    try:
        return decoder.decode(body)
    except msgspec.MsgspecError:
        finite = _INFINITY.sub(_PLACEHOLDER, body)
        if finite == body:
            raise
    return decoder.decode(finite)


def json_count(value: Any) -> int | None:
    """Return a whole number, plain or wrapped in `{set, infinite, number}`; None for none."""
    if isinstance(value, dict):
        finite = value.get("set", True) is True and value.get("infinite") is not True
        value = value.get("number") if finite else None
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value <= MAX_COUNT else None


def text(value: Any) -> str:
    """Return a text; empty for anything else."""
    return value if isinstance(value, str) else ""
