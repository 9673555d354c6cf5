"""Wording of messages: plurals, and suggestions for misspelt words."""

from collections.abc import Sequence
from functools import lru_cache

_MAX_COMPARED = 100


def counted(count: int, noun: str, plural: str = "") -> str:
    """Return a count and its noun: `1 target`, `2 targets`."""
    return f"{count} {noun}" if count == 1 else f"{count} {plural or noun + 's'}"


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """Return a suggestion of the known word that was probably meant, or a list of all."""
    close = closest_match(word, known)
    return f"did you mean {close}?" if close else f"known are {', '.join(known)}"


def closest_match(word: str, known: Sequence[str], similarity: float = 0.6) -> str | None:
    """Return the known word that was probably meant; case, `_` and `-` make no difference."""
    return word if word in known else _closest(word[:_MAX_COMPARED], tuple(known), similarity)


@lru_cache(maxsize=4096)
def _closest(word: str, known: tuple[str, ...], similarity: float) -> str | None:
    import difflib  # only where there is a mistake

    plain = {_plain(name): name for name in known}
    matches = difflib.get_close_matches(_plain(word), list(plain), 1, similarity)
    return plain[matches[0]] if matches else None


def _plain(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")
