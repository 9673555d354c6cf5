from importlib import import_module

import pytest

from rackwatt_crds.node.units import MANAGERS
from rackwatt_exporter.units.registry import LAYOUTS


def test_the_document_and_the_registry_name_the_same_managers() -> None:
    assert set(LAYOUTS) == set(MANAGERS)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_is_the_one_of_its_manager(name: str) -> None:
    module, _, layout = LAYOUTS[name].partition(":")
    assert getattr(import_module(module), layout).manager == name
