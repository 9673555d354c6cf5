"""Which metric families users may query, and which label of theirs has the unit.

A label `unit` means something else in other families, so the families are listed. Several clusters
may have units of one id in one Prometheus: `pinned` are the labels that set one of them apart.
"""

from collections.abc import Iterable, Sequence

import msgspec

_META = frozenset("\\.+*?()|[]{}^$")


class Families(msgspec.Struct, frozen=True):
    """Families with one label for the unit. A name that ends in `*` is a prefix."""

    label: str
    names: tuple[str, ...]
    pinned: tuple[tuple[str, str], ...] = ()

    def has(self, name: str) -> bool:
        """Whether a family is among them."""
        return any(
            name.startswith(one[:-1]) if one.endswith("*") else name == one for one in self.names
        )

    @property
    def pattern(self) -> str:
        """A regular expression of Prometheus (RE2, anchored) that matches their names alone."""
        return "|".join(
            escaped(one[:-1]) + ".*" if one.endswith("*") else escaped(one) for one in self.names
        )


# The exporter on a node (docs/metrics.md), and its profiles of other exporters' names.
UNIT_FAMILIES = Families("unit", ("rackwatt_unit_*",))


def family_of(families: Sequence[Families], name: str) -> Families | None:
    """Return the families that a name belongs to; None where users may not query it."""
    return next((one for one in families if one.has(name)), None)


def escaped(text: str) -> str:
    """Escape a text for a regular expression as Go's regexp.QuoteMeta does."""
    return "".join(f"\\{character}" if character in _META else character for character in text)


def alternatives(texts: Iterable[str]) -> str:
    """Return a regular expression that matches exactly these texts."""
    return "|".join(escaped(text) for text in texts)
