"""Words of a peer, made fit for a message, a log, a page and a terminal.

A BMC, a scheduler or a command may send anything: control characters that move a cursor, bytes that
are no UTF-8, marks that turn the direction of writing, a megabyte. Every message of a `ReadError`
and every source of a `Reading` passes here.
"""

MAX_WORDS = 200
_UNPRINTABLE = "\N{REPLACEMENT CHARACTER}"


def printable(words: str | bytes, limit: int = MAX_WORDS) -> str:
    """Return words on one line, each printable, `limit` characters at most.

    White space of any kind becomes one blank. What cannot be printed is shown as U+FFFD.
    """
    if isinstance(words, str) and words.isprintable() and len(words) <= limit:
        return words
    head = words[: 4 * (limit + 1)]  # UTF-8 has four bytes for a character at most
    text = head.decode("utf-8", "replace") if isinstance(head, bytes) else head
    text = "".join(c if c.isprintable() else _UNPRINTABLE for c in " ".join(text.split()))
    return text if len(text) <= limit else text[: limit - 1] + "…"
