"""docs/install.md as a person follows it: its commands run as they stand there, its answers compared.

A transcript is what really was printed. What differs from one run to the next counts as told alike:
times, ages, the spaces between columns. A line `…` stands for lines left out.
"""

import re
import time
from collections.abc import Callable
from typing import NamedTuple

from tests.e2e.netns_host import ROOT

_PAGE = ROOT / "docs/install.md"
_TRANSCRIPT = re.compile(r"<!-- transcript.*?-->\n+```console\n(.*?)^```", re.DOTALL | re.MULTILINE)
_LEFT_OUT = "…"
_PATIENCE_S = 120.0
_PASSING = (
    (re.compile(r" +"), " "),
    (re.compile(r" *\n\s*"), "\n"),
    (re.compile(r"(?<=LAST DEPLOYED: ).*"), "TIME"),
    (re.compile(r"\b(?:\d+[dhms])+$", re.MULTILINE), "AGE"),
)


class Exchange(NamedTuple):
    """A command, and what it printed."""

    command: str
    answer: str

    def agrees(self, answer: str) -> bool:
        """Tell whether it printed the same again, but for what passes."""
        pattern = re.escape(_shape(self.answer)).replace(_LEFT_OUT, "(?s:.*)")
        return re.fullmatch(pattern, _shape(answer)) is not None


def transcript() -> list[Exchange]:
    """Read the transcript: its commands in order, each with its answer."""
    (block,) = _TRANSCRIPT.findall(_PAGE.read_text())
    parts = re.split(r"^\$ ((?:.*\\\n)*.*)\n", block, flags=re.MULTILINE)
    return [Exchange(*pair) for pair in zip(parts[1::2], parts[2::2], strict=True)]


def follow(exchange: Exchange, shell: Callable[[str], str]) -> None:
    """Run a command; what it looks at may take a while until it is as it stands there.

    Raises:
        AssertionError: it is not; with what it printed.
    """
    looks = exchange.command.startswith("kubectl get")
    deadline_s = time.monotonic() + (_PATIENCE_S if looks else 0)
    while not exchange.agrees(answer := shell(exchange.command)):
        if time.monotonic() > deadline_s:
            raise AssertionError(
                f"{_PAGE.name} shows another answer to {exchange.command}:\n{answer}"
            )
        time.sleep(0.5)


def commands(heading: str) -> list[str]:
    """Read the commands of the block that follows a heading, such as `**Upgrade.**`."""
    told = _PAGE.read_text().partition(f"**{heading}.**")[2]
    return told.split("```\n")[1].splitlines()


def _shape(text: str) -> str:
    text = text.strip()
    for pattern, word in _PASSING:
        text = pattern.sub(word, text)
    return text
