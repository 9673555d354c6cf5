"""Generator of the index of docs/decisions, from the first lines of each decision."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from scripts.generated import ROOT

FOLDER = ROOT / "docs/decisions"
_HEAD = re.compile(
    r"# (?P<number>\d+)\. (?P<title>.+)\n\n"
    r"Status: (?P<status>.+), (?P<date>\d{4}-\d\d-\d\d)\n"
)


class Decision(NamedTuple):
    """One decision; `status` is `accepted`, or `superseded by` a link."""

    path: Path
    number: int
    title: str
    status: str
    date: str


def decisions() -> Iterator[Decision]:
    """Read every decision, in the order of their numbers.

    Raises:
        ValueError: a decision does not start with its number, title, status and date.
    """
    for path in sorted(FOLDER.glob("[0-9]*.md")):
        head = _HEAD.match(path.read_text())
        if head is None or int(head["number"]) != int(path.name[:4]):
            form = "`# N. Title`, an empty line, `Status: accepted, YYYY-MM-DD`"
            raise ValueError(f"docs/decisions/{path.name} must start with {form}")
        yield Decision(path, int(head["number"]), head["title"], head["status"], head["date"])


def decision_index(note: str) -> str:
    """Return docs/decisions/README.md; `note` says that it is generated."""
    rows = [
        f"| {one.number} | [{one.title}]({one.path.name}) | {one.status} | {one.date} |\n"
        for one in decisions()
    ]
    return "".join(
        [
            "# Decisions\n\n",
            note,
            "\nArchitecture decision records: the context, the decision, the alternatives with\n"
            "their measurements, and the consequences. A new record takes the next number, and\n"
            "`make docs` adds it to this table. A record that no longer holds stays, with the\n"
            "status `superseded by` and a link to the one that replaces it.\n\n",
            "| Number | Decision | Status | Date |\n|---|---|---|---|\n",
            *rows,
        ]
    )
