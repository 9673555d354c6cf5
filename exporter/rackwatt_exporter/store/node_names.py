"""Which of a scheduler's nodes is which of ours: two sides seldom spell a name alike.

A document says how (`nodeName`). Where two names of one side come to the same, neither has a match:
better no state than that of another node.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple


class Unmatched(NamedTuple):
    """Names of either side that match none of the other."""

    targets: Collection[str]
    nodes: Collection[str]


class Join:
    """The states of a scheduler's nodes, by the names of ours; `nodes` are those that want one."""

    def __init__(self, rule: str | None, states: Mapping[str, str], nodes: Iterable[str]) -> None:
        self._rule = rule
        wanted = set(nodes)
        if rule is None:
            self._states, matched = states, states.keys() & wanted
            self.unmatched = Unmatched(wanted - matched, states.keys() - matched)
            return
        theirs = _alone({name: their_key(rule, name) for name in states})
        ours = _alone({name: our_key(rule, name) for name in wanted})
        twice = {our_key(rule, name) for name in wanted} - ours.keys()
        self._states = {key: states[name] for key, name in theirs.items() if key not in twice}
        both = theirs.keys() & ours.keys()
        self.unmatched = Unmatched(
            wanted - {ours[key] for key in both}, states.keys() - {theirs[key] for key in both}
        )

    def state(self, node: str) -> str | None:
        """Give the state of a node of ours; None where no node of the scheduler matches it."""
        return self._states.get(node if self._rule is None else our_key(self._rule, node))


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
