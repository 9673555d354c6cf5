"""Sanitiser of a peer's text for messages, logs, pages and terminals.

A BMC, a scheduler or a command may send anything: control characters, bytes that are not UTF-8,
bidirectional marks, a megabyte. It is applied to every message of a `ReadError` and every source of
a `Reading`.
"""

MAX_WORDS = 200
_UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"


def printable(text: str | bytes, limit: int = MAX_WORDS) -> str:
    """Return text on one line of printable characters, at most `limit` of them.

    White space becomes one space. An unprintable character becomes U+FFFD.
    """
    if isinstance(text, str) and text.isprintable() and len(text) <= limit:
        return text
    head = text[: 4 * (limit + 1)]  # a character has at most four bytes in UTF-8
    decoded = head.decode("utf-8", "replace") if isinstance(head, bytes) else head
    line = "".join(c if c.isprintable() else _UNPRINTABLE for c in " ".join(decoded.split()))
    return line if len(line) <= limit else line[: limit - 1] + "…"
