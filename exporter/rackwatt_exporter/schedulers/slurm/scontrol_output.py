"""Parser of `scontrol -o`: each thing on a line of `Key=value`, the first key naming it.

A value may have spaces, and a key begins with a capital letter. A login shell may print before,
behind and between the lines.
"""

import re
from collections.abc import Mapping, Sequence

from rackwatt_exporter.schedulers.model.fields import MAX_COUNT
from rackwatt_exporter.schedulers.slurm.subject import not_printed
from rackwatt_exporter.schedulers.slurm.tres import NOTHING

# Without -o, what a line has no room for is on the next ones, behind spaces.
_CONTINUED = re.compile(r"\n[ \t]+")
_NEXT = re.compile(r"[ \t]+(?=[A-Z][A-Za-z/]*=)")
_COUNT = re.compile(r"[0-9]{1,19}\Z")


def parse_records(output: bytes, key: str, none: str, what: str) -> Sequence[Mapping[str, str]]:
    """Return the keys and values of each line that has `key`.

    `none` is the sentence that scontrol prints where there is nothing; `what` names the command.

    Raises:
        ReadError: bad_reply where there is neither a line of it nor that sentence.
    """
    text = _CONTINUED.sub(" ", output.decode("utf-8", "replace"))
    first = f"{key}="
    lines = [line[line.index(first) :] for line in text.splitlines() if first in line]
    if not lines and none not in text:
        raise not_printed(output, what)
    return [pairs(line.strip()) for line in lines]


def count(text: str | None) -> int | None:
    """Return a whole number; None of any other text, such as UNLIMITED or N/A."""
    if text is None or not _COUNT.match(text):
        return None
    number = int(text)
    return number if number <= MAX_COUNT else None


def word(text: str | None) -> str:
    """Return a text; empty where Slurm prints that there is none."""
    return "" if text is None or text in NOTHING else text


def pairs(line: str) -> Mapping[str, str]:
    """Return the keys and values of one line."""
    parts = (part.partition("=") for part in _NEXT.split(line))
    return {key: value for key, _, value in parts}
