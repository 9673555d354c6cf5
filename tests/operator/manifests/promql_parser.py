"""Families and labels of a PromQL expression, parsed as far as our expressions need it."""

import re

_FAMILY = re.compile(
    r"(?<![\w:])(up|node_power_usage|(?:rackwatt[_:]|cluster_(?:exporter|job|proc)_)[a-z_:]+)"
    r"\{([^}]*)\}"
)
_GROUPED = re.compile(r"(?:by|on|group_left) \(([^)]*)\)")
_ANY = re.compile(r"(?<![\w:])(?:rackwatt[_:]|cluster_(?:exporter|job|proc)_)[a-z_:]+")


def families(expression: str) -> set[str]:
    """Return the families; each must be selected with matchers."""
    selected = {name for name, _ in _FAMILY.findall(expression)}
    assert selected >= set(_ANY.findall(expression)), expression
    return selected


def labels_matched(expression: str, family: str) -> set[str]:
    """Return the labels that an expression matches a family by."""
    selectors = [matchers for name, matchers in _FAMILY.findall(expression) if name == family]
    return {label for matchers in selectors for label in re.findall(r'(\w+)=~?"', matchers)}


def labels_grouped(expression: str) -> set[str]:
    """Return the labels that an expression aggregates or joins by."""
    groups = ",".join(_GROUPED.findall(expression))
    return {label.strip() for label in groups.split(",") if label.strip()}
