"""Transcripts of documentation pages: their commands run as written, and their output is compared.

A transcript is what was really printed. Parts that differ from one run to the next are equal if
they have the same form: times, ages, watts, the spaces between columns. A line `…` replaces lines
that the page omits.
"""

import re
import time
from collections.abc import Callable
from typing import NamedTuple

from tests.e2e.netns_host import ROOT

_TRANSCRIPT = re.compile(r"<!-- transcript:.*?<!-- end of transcript -->", re.DOTALL)
_BLOCK = re.compile(r"^```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)\n", re.MULTILINE)
_OMITTED = "…"
_PATIENCE_S = 120.0
_CHANGING = ("kubectl get", "kubectl exec")
"""Commands that show a state: it may take some seconds until it is the one in the page."""
_POSITIVE = r"[1-9]\d*(?:\.\d+)?"
_VARIABLE = (
    (re.compile(r" +"), " "),
    (re.compile(r" *\n\s*"), "\n"),
    (re.compile(r"(?<=LAST DEPLOYED: ).*"), "TIME"),
    (re.compile(r"\b(?:\d+[dhms])+$", re.MULTILINE), "AGE"),
    (re.compile(rf"((?: \d+){{3}}) {_POSITIVE}(?= True )"), r"\1 WATTS"),
    (re.compile(rf"(?<=\}} ){_POSITIVE}$", re.MULTILINE), "WATTS"),
    (re.compile(rf"(?<=\}} => ){_POSITIVE} @\[[\d.]+\]$", re.MULTILINE), "WATTS @[TIME]"),
)


class Exchange(NamedTuple):
    """A command, and what it printed."""

    command: str
    answer: str

    def agrees(self, answer: str) -> bool:
        """Return whether an output is the same, but for what differs from run to run."""
        pattern = re.escape(_shape(self.answer)).replace(_OMITTED, "(?s:.*)")
        return re.fullmatch(pattern, _shape(answer)) is not None


def transcript(page: str) -> list[Exchange]:
    """Return the commands of a page's transcript in order, each with its output."""
    (part,) = _TRANSCRIPT.findall(_text(page))
    texts = [text for block in _BLOCK.findall(part) for text in _COMMAND.split(block)[1:]]
    return [Exchange(*pair) for pair in zip(texts[::2], texts[1::2], strict=True)]


def follow(exchange: Exchange, shell: Callable[[str], str]) -> None:
    """Run a command; one that shows a state is repeated until the state is as in the page.

    Raises:
        AssertionError: it is not; with what the command printed.
    """
    patience_s = _PATIENCE_S if exchange.command.startswith(_CHANGING) else 0
    deadline_s = time.monotonic() + patience_s
    while not exchange.agrees(answer := shell(exchange.command)):
        if time.monotonic() > deadline_s:
            raise AssertionError(f"the page has another output of {exchange.command}:\n{answer}")
        time.sleep(0.5)


def commands(page: str, heading: str) -> list[str]:
    """Return the commands of the first block below a heading."""
    below = _text(page).partition(f"# {heading}\n")[2]
    return below.split("```\n")[1].splitlines()


def _text(page: str) -> str:
    return (ROOT / "docs" / page).read_text()


def _shape(text: str) -> str:
    text = text.strip()
    for pattern, word in _VARIABLE:
        text = pattern.sub(word, text)
    return text
