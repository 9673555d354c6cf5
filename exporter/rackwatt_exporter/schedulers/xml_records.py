"""Records of a scheduler's XML, each parsed for itself.

A login shell may print before and after the document, and a record that is not well-formed costs no
other one. A record has no document type, so that no entity is ever expanded: those that XML itself
defines are the only ones there are.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from rackwatt_exporter.printable import printable
from rackwatt_exporter.reading import ReadError, Reason

# Characters that XML 1.0 does not have (section 2.2).
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SHOWN = 80


class XmlRecord(NamedTuple):
    """One element of a document; `element` is None where it is malformed."""

    tag: str
    element: Element | None
    text: bytes


def records(output: bytes, root: str, *tags: str) -> Iterator[XmlRecord]:
    """Go through the outermost elements with these tags in a document.

    Raises:
        ReadError: bad_reply where there is no document with this root, or only a part of one.
    """
    start = re.search(rf"<{root}[\s>]".encode(), output)
    if start is None:
        shown = printable(output, _SHOWN) or "nothing"
        raise ReadError(Reason.BAD_REPLY, f"expected XML with the root {root}, found: {shown}")
    if (end := output.rfind(f"</{root}>".encode(), start.end())) < 0:
        raise ReadError(Reason.BAD_REPLY, f"the XML ends before </{root}>")
    opened = re.compile(rf"<({'|'.join(map(re.escape, tags))})[\s>]".encode())
    position = start.end()
    while match := opened.search(output, position, end):
        closed = b"</" + match[1] + b">"
        found = output.find(closed, match.end(), end)
        position = end if found < 0 else found + len(closed)
        text = output[match.start() : position]
        yield XmlRecord(match[1].decode(), _parsed(text), text)


def _parsed(text: bytes) -> Element | None:
    allowed = _FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text.decode("utf-8", "replace"))
    try:
        return ElementTree.fromstring(allowed)  # noqa: S314 - a record has no document type
    except ElementTree.ParseError:
        return None


def texts(element: Element) -> dict[str, str]:
    """Return the text of each child by its tag; of several with one tag, the first."""
    found: dict[str, str] = {}
    for child in element:
        found.setdefault(child.tag, (child.text or "").strip())
    return found
