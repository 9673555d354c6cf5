"""Pages of exporters, as sets of labels by family."""

import re
from collections.abc import Mapping
from pathlib import Path

from rackwatt_exporter.profiles.registry import ProfileView

CAPTURES = Path(__file__).parents[2] / "data/ceems-0.10"
Labels = frozenset[tuple[str, str]]
Page = dict[tuple[str, Labels], float]


def page(text: str) -> Page:
    """Parse lines with labels."""
    found: Page = {}
    for name, labels, value in re.findall(r"^(\w+)\{(.*)\} (\S+)$", text, re.MULTILINE):
        key = name, frozenset(re.findall(r'(\w+)="([^"]*)"', labels))
        assert key not in found, key
        found[key] = float(value)
    return found


def shown(view: ProfileView) -> Page:
    """Parse what a view has."""
    return page(b"".join(part for _, lines in view.families() for part in lines).decode())


def types(text: str) -> dict[str, str]:
    """Return the type of each family."""
    return dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))


def of(found: Page, name: str, **labels: str) -> float:
    """Return the one number of a family with these labels."""
    wanted = labels.items()
    (value,) = (value for (family, has), value in found.items() if family == name and wanted <= has)
    return value


def labels_of(found: Page, name: str) -> list[Mapping[str, str]]:
    """Return the label sets of a family."""
    return [dict(has) for family, has in found if family == name]
