"""Lint of words: code and documentation use the terms that a reader would search for.

Each word of `WORDS` has a standard term in Kubernetes, Prometheus, asyncio or a protocol, or a
plain verb with its actor. Names, comments, docstrings, messages and prose are read alike.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]

WORDS: Mapping[str, str] = {
    "told": "a noun (message, value), or reported, stated, configured",
    "tells?": "report, state, notify, or distinguish",
    "anew": "again, recreate, restart",
    "whoever": "name the actor: a user, a client, a caller",
    "nobody": "name the actor: no user, no client",
    "somebody": "name the actor: a user, another process",
    "begun": "started",
    "asked": "polled, requested, read",
    "stands": "is defined, is, or replaces",
    "bears?": "have, carry, withstand",
    "mend(?:s|ed)?": "fix, repair, update",
    "let(?:s|ting)? (?:it |them )?go": "release",
    "a while": "state the time, or: for some time",
    "by and by": "gradually, eventually",
}

ALLOWED: Mapping[str, str] = {
    r"\.tell\(\)": "the position of a file object",
    r"\bstands for\b": "an abbreviation and its meaning",
    r"\"nobody\"": "the user without privileges",
}
"""Phrases of outside with a word of `WORDS` in them, and what they are."""

EXCLUDED = (
    "LICENSE",
    "scripts/prose.py",  # the list itself
    "tests/test_prose.py",
    "tests/data/",  # captures and output of other programs, as they are
    "tests/cluster/tools/coredns/go.sum",  # checksums
    "tests/cluster/tools/helm/go.sum",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """A word to replace, and where it is."""

    path: str
    line: int
    word: str
    instead: str

    def __str__(self) -> str:
        """Write it as compilers do, so that editors find the line."""
        return f"{self.path}:{self.line}: '{self.word}': write {self.instead}"


def _pattern(word: str) -> re.Pattern[str]:
    """Match a word in prose, in snake_case and in CamelCase, also across the end of a line."""
    word = word.replace(" ", r"[\s#_]+")
    first, rest = word[0], word[1:]
    start = rf"(?:(?:(?<![A-Za-z])|(?<=\\[nt]))(?i:{first})|(?<=[a-z]){first.upper()})"
    return re.compile(rf"{start}(?i:{rest})(?![a-z])")


_PATTERNS = {_pattern(word): instead for word, instead in WORDS.items()}
_ALLOWED = re.compile("|".join(ALLOWED))


def findings(path: str, text: str) -> list[Finding]:
    """Return the words of a file that have a better one, by line."""
    text = _ALLOWED.sub(lambda match: re.sub(r"\w", "-", match[0]), text)
    return sorted(
        (
            Finding(
                path, text.count("\n", 0, match.start()) + 1, " ".join(match[0].split()), instead
            )
            for pattern, instead in _PATTERNS.items()
            for match in pattern.finditer(text)
        ),
        key=lambda finding: finding.line,
    )


def _texts() -> Iterator[tuple[str, str]]:
    """Read every text file that git tracks or is about to."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        try:
            yield name, (ROOT / name).read_text()
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue  # a picture, or deleted and not yet committed


def main() -> int:
    """Print every finding, or with paths as arguments those under these."""
    chosen = tuple(sys.argv[1:])
    found = [
        finding
        for path, text in _texts()
        if path.startswith(chosen or "") and not path.startswith(EXCLUDED)
        for finding in findings(path, text)
    ]
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
