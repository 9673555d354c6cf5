"""Each method has its driver and its settings."""

from dataclasses import fields
from pathlib import Path

import pytest

from rackwatt_crds.kinds import METHODS
from rackwatt_exporter.config.options import OPTIONS
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.targets.registry import DRIVERS, DriverRegistry


def test_every_method_of_documents_has_its_driver_and_no_other_but_that_of_invalid_targets() -> (
    None
):
    assert set(DRIVERS) == {*METHODS, "invalid"}


@pytest.mark.parametrize("method", DRIVERS)
async def test_each_driver_is_made_without_touching_anything(method: str) -> None:
    registry = DriverRegistry(Secrets(Path("none")))
    assert type(registry.driver(method)).__name__.endswith("Driver")
    await registry.close()


def test_every_method_of_documents_has_its_options_and_no_other() -> None:
    assert set(OPTIONS) == set(METHODS)


OF_NODES = {"external_url"}  # options that only a collector inside nodes sets


@pytest.mark.parametrize("method", METHODS)
def test_the_options_of_a_method_are_the_fields_of_its_model(method: str) -> None:
    model = METHODS[method].model.__struct_fields__
    options = {field.name for field in fields(OPTIONS[method])} - OF_NODES
    assert options == {name.removesuffix("_ref") for name in model}


@pytest.mark.parametrize("method", METHODS)
def test_the_default_port_of_a_method_is_that_which_the_operator_opens(method: str) -> None:
    endpoint = METHODS[method].endpoint
    assert getattr(OPTIONS[method](), "port", None) == (endpoint.port if endpoint else None)
