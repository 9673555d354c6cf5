"""Match of a scheduler's nodes with measured ones: two sides seldom spell a name alike.

A document says how (`nodeName`). Where two names of one side come to the same, neither has a match:
better no state than that of another node.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Generic, NamedTuple, TypeVar

from rackwatt_crds.bmc.hosts import NODE_TYPES, OTHER_TYPES

T = TypeVar("T")


class Unmatched(NamedTuple):
    """Names of either side that match none of the other."""

    targets: Collection[str]
    nodes: Collection[str]


class Join(Generic[T]):
    """What a scheduler says of its nodes (`theirs`), by the names of ours (`nodes`)."""

    def __init__(self, rule: str | None, theirs: Mapping[str, T], nodes: Iterable[str]) -> None:
        self._rule, self._theirs = rule, theirs
        wanted = set(nodes)
        if rule is None:
            self._names: Mapping[str, str] = {}
            matched = theirs.keys() & wanted
            self.unmatched = Unmatched(wanted - matched, theirs.keys() - matched)
            return
        names = _alone({name: their_key(rule, name) for name in theirs})
        ours = _alone({name: our_key(rule, name) for name in wanted})
        twice = {our_key(rule, name) for name in wanted} - ours.keys()
        self._names = {key: name for key, name in names.items() if key not in twice}
        both = names.keys() & ours.keys()
        self.unmatched = Unmatched(
            wanted - {ours[key] for key in both}, theirs.keys() - {names[key] for key in both}
        )

    def match(self, node: str) -> T | None:
        """Return what the scheduler says of a node of ours; None where none of its own matches."""
        name = self.name(node)
        return None if name is None else self._theirs[name]

    def name(self, node: str) -> str | None:
        """Return what the scheduler calls a node of ours; None where none of its own matches."""
        if self._rule is None:
            return node if node in self._theirs else None
        return self._names.get(our_key(self._rule, node))


def of_nodes(types: Mapping[str, str], unmatched: Collection[str]) -> set[str]:
    """Return the names of the targets that a scheduler should know, by the type of each.

    A type of a site's own is one of nodes where the scheduler knows a target of it. Where it knows
    no target at all, the names are what is wrong, and every such type may be one of nodes.
    """
    own = set(types.values()).difference(OTHER_TYPES)
    matched = own.intersection(kind for name, kind in types.items() if name not in unmatched)
    counted = (matched or own).union(NODE_TYPES)
    return {name for name, kind in types.items() if kind in counted}


def our_key(rule: str, name: str) -> str:
    """Give what a name of ours is compared by."""
    plain = name.lower().rstrip(".")
    return _short(plain) if rule == "short" else plain


def their_key(rule: str, name: str) -> str:
    """Give what a scheduler's name is compared by: a template makes it a name of ours."""
    plain = name.lower().rstrip(".")
    if rule in ("short", "fqdn"):
        return our_key(rule, plain)
    return rule.lower().replace("{name}", plain).replace("{short}", _short(plain))


def _short(name: str) -> str:
    """Give the first label of a name; an address has none."""
    first, _, rest = name.partition(".")
    return name if first.isdigit() and rest.replace(".", "").isdigit() else first


def _alone(keys: Mapping[str, str]) -> dict[str, str]:
    """Give the name by each key that is that of one name alone."""
    times = Counter(keys.values())
    return {key: name for name, key in keys.items() if times[key] == 1}
