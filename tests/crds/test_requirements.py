"""Every collector has its requirements, and every requirement its reason."""

from dataclasses import fields
from typing import get_args

import pytest

from rackwatt_crds.node.collectors import AUTO, Collector
from rackwatt_crds.node.energy import ENERGY_REQUIREMENTS, STATE_REQUIREMENTS
from rackwatt_crds.node.requirements import REQUIREMENTS
from rackwatt_crds.node.unit_requirements import UNIT_REQUIREMENTS
from rackwatt_crds.node.units import MANAGERS

EVERY = {
    **REQUIREMENTS,
    **{f"units.{name}": one for name, one in UNIT_REQUIREMENTS.items()},
    "energy": ENERGY_REQUIREMENTS,
    "energy.state": STATE_REQUIREMENTS,
}


def test_the_needs_of_every_collector_are_known() -> None:
    assert set(REQUIREMENTS) == set(get_args(Collector)) - {AUTO}


def test_the_needs_of_every_manager_of_units_are_known() -> None:
    assert set(UNIT_REQUIREMENTS) == set(MANAGERS)


@pytest.mark.parametrize("name", EVERY)
def test_every_need_has_its_reason(name: str) -> None:
    needs = EVERY[name]
    required = {field.name for field in fields(needs) if getattr(needs, field.name)}
    # Capabilities of a service are in place of uid 0, and have its reason.
    assert set(needs.reasons) == required - {"measures", "reasons", "service_capabilities"}
    assert all(needs.reasons.values())


def test_a_path_of_the_node_is_mounted_at_one_place() -> None:
    mounts = {pair for needs in EVERY.values() for pair in needs.host_paths.items()}
    assert len({path for path, _ in mounts}) == len(mounts) == len({mount for _, mount in mounts})
