"""The packages of the images are pinned, and are those that the project requires."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PIN = re.compile(r"^(\S+)==(\S+)(?: ;.*)? \\$", re.MULTILINE)
REQUIREMENTS = {
    "build": PROJECT["build-system"]["requires"],
    "collector": [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["exporter"]],
    "accounting": [
        *PROJECT["project"]["dependencies"],
        *PROJECT["project"]["optional-dependencies"]["exporter"],
        *(one for one in PROJECT["project"]["optional-dependencies"]["accounting"] if "rackwatt" not in one),
    ],
    "operator": [*PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"]["operator"]],
}  # fmt: skip


def pins(name: str) -> dict[str, str]:
    """Read a lock."""
    return dict(PIN.findall((ROOT / f"images/{name}.lock").read_text()))


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_a_lock_pins_the_requirements_of_the_project(name: str) -> None:
    pinned = pins(name)
    for required in map(Requirement, REQUIREMENTS[name]):
        found = pinned.get(canonicalize_name(required.name))
        assert found, f"{required}, but it is not pinned: make lock"
        assert found in required.specifier, f"{required}, but {found} is pinned: make lock"


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_everything_in_a_lock_is_pinned_by_hashes(name: str) -> None:
    entries = (ROOT / f"images/{name}.lock").read_text().split("\n")
    named = [entry for entry in entries if entry and not entry.startswith((" ", "#"))]
    assert len(named) == len(pins(name)) > 0
    for entry in named:
        assert "--hash=sha256:" in entries[entries.index(entry) + 1]


def test_neither_half_is_pinned_into_the_others_image() -> None:
    assert {"kopf", "kubernetes"}.isdisjoint(pins("collector"))
    assert {"httptools", "pyghmi", "pysnmp"}.isdisjoint(pins("operator"))
    assert {"kopf", "kubernetes"}.isdisjoint(pins("accounting"))
    for name in ("collector", "operator"):
        assert {"sqlalchemy", "alembic", "asyncpg", "joserfc"}.isdisjoint(pins(name))
