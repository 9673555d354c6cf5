"""Every collector has its requirements, and every requirement its reason."""

from dataclasses import fields
from typing import get_args

import pytest

from rackwatt_crds.node.collectors import AUTO, Collector
from rackwatt_crds.node.requirements import REQUIREMENTS


def test_the_needs_of_every_collector_are_known() -> None:
    assert set(REQUIREMENTS) == set(get_args(Collector)) - {AUTO}


@pytest.mark.parametrize("collector", REQUIREMENTS)
def test_every_need_has_its_reason(collector: str) -> None:
    needs = REQUIREMENTS[collector]
    required = {field.name for field in fields(needs) if getattr(needs, field.name)}
    assert set(needs.reasons) == required - {"measures", "reasons"}
    assert all(needs.reasons.values())


def test_a_path_of_the_node_is_mounted_at_one_place() -> None:
    mounts = {pair for needs in REQUIREMENTS.values() for pair in needs.host_paths.items()}
    assert len({path for path, _ in mounts}) == len(mounts) == len({mount for _, mount in mounts})
