"""What an expression of PromQL asks for, read as far as ours need it."""

import re

_FAMILY = re.compile(r"(?<![\w:])(up|node_power_usage|rackwatt_[a-z_]+)\{([^}]*)\}")
_GROUPED = re.compile(r"(?:by|on|group_left) \(([^)]*)\)")
_ANY = re.compile(r"(?<![\w:])rackwatt_[a-z_]+")


def families(expression: str) -> set[str]:
    """Name the families; none may be asked for without saying whose."""
    selected = {name for name, _ in _FAMILY.findall(expression)}
    assert selected >= set(_ANY.findall(expression)), expression
    return selected


def labels_asked(expression: str, family: str) -> set[str]:
    """Name the labels that an expression matches a family by."""
    found = [matchers for name, matchers in _FAMILY.findall(expression) if name == family]
    return {label for matchers in found for label in re.findall(r'(\w+)=~?"', matchers)}


def labels_grouped(expression: str) -> set[str]:
    """Name the labels that an expression adds up or joins by."""
    groups = ",".join(_GROUPED.findall(expression))
    return {label.strip() for label in groups.split(",") if label.strip()}
