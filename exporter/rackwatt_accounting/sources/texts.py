"""Names of a scheduler's as they are kept: any bytes may come, and printable text is stored.

Databases refuse some characters, and terminals obey others. Columns are cleaned as a whole: nearly
always one look at all of them shows that nothing is to be done.
"""

from collections.abc import Sequence

from rackwatt_exporter.printable import printable

MAX_TEXT = 4096  # characters: the longest path of Linux


def clean(text: str) -> str:
    """Return a text in printable characters on one line."""
    return text if text.isprintable() and len(text) <= MAX_TEXT else printable(text, MAX_TEXT)


def clean_column(texts: Sequence[str]) -> Sequence[str]:
    """Return each text in printable characters on one line; the very same list where all are."""
    if "".join(texts).isprintable() and max(map(len, texts), default=0) <= MAX_TEXT:
        return texts
    return [clean(text) for text in texts]
