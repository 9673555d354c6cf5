"""Where watts are in Redfish's JSON: each maker's shape, and JSON of every kind."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rackwatt_exporter.protocols import redfish_power as power
from rackwatt_exporter.protocols.redfish_json import link, members
from rackwatt_exporter.reading import Reading, Statistics

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
KEYS = st.sampled_from(
    [
        "PowerWatts",
        "Reading",
        "EnergykWh",
        "EnergyJoules",
        "LifetimeReading",
        "PowerControl",
        "PowerConsumedWatts",
        "PowerMetrics",
        "AverageConsumedWatts",
        "IntervalInMin",
        "PowerSupplies",
        "PowerInputWatts",
        "LastPowerOutputWatts",
        "InputPowerWatts",
        "Status",
        "State",
        "Name",
        "Oem",
        "ts_fujitsu",
        "ChassisPowerConsumption",
        "CurrentPowerConsumptionW",
        "Links",
        "@odata.id",
        "ReadingType",
        "PhysicalContext",
    ]
)
JSON = st.recursive(
    SCALARS | st.sampled_from(["Power", "Absent", "PowerSupply", "total power", "EnergyJoules"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)
ONE = [
    power.environment_metrics,
    power.power_control,
    power.average_power,
    power.power_supplies,
    power.supply_metrics,
    power.sensors,
]


def is_watts(reading: Reading | None) -> bool:
    if reading is None:
        return True
    numbers = [reading.watts] if reading.joules is None else [reading.watts, reading.joules]
    return all(isinstance(n, float) and math.isfinite(n) and n > 0 for n in numbers)


@pytest.mark.parametrize("find", ONE)
@given(document=JSON)
@example(document={"PowerWatts": {"Reading": 10**400}})
@example(document={"PowerWatts": {"Reading": True}})
def test_any_json_gives_watts_or_nothing(find: Callable[..., Any], document: Any) -> None:
    assert is_watts(find([document], "Chassis/1"))


@given(st.lists(JSON, max_size=4))
def test_any_list_of_resources_gives_watts_or_nothing(documents: list[Any]) -> None:
    assert is_watts(power.supply_metrics(documents, ""))
    assert is_watts(power.sensors(power.telling_sensors(documents), ""))


@given(JSON, st.lists(st.sampled_from(["Links", "PowerControl", 0, "@odata.id"]), max_size=4))
def test_any_way_through_json_ends_well(document: Any, way: list[str | int]) -> None:
    found = link(document, *way)
    assert found is None or found.startswith("/")
    assert isinstance(members(document), list)


def test_a_link_to_a_part_of_a_resource_leads_to_the_resource() -> None:
    """Found by fuzzing: with the fragment, a source could not be told from its place."""
    assert link({"Power": {"@odata.id": "/redfish/v1/Power#/PowerControl/0"}}, "Power") == (
        "/redfish/v1/Power"
    )
    assert link({"@odata.id": "#/PowerControl/0"}) is None


WATTS = st.floats(0.5, 5000)


@given(
    st.lists(WATTS, min_size=1, max_size=6), st.integers(0, 6), st.sampled_from([None, "na", -1])
)
def test_one_supply_that_does_not_read_spoils_the_sum(
    inputs: list[float], place: int, spoilt: Any
) -> None:
    supplies: list[Any] = [{"PowerInputWatts": watts} for watts in inputs]
    found = power.power_supplies([{"PowerSupplies": supplies}], "P")
    assert found == Reading(math.fsum(inputs), "P#PowerSupplies/PowerInputWatts")
    supplies.insert(place, {"PowerInputWatts": spoilt})
    assert power.power_supplies([{"PowerSupplies": supplies}], "P") is None


def test_an_empty_bay_is_no_supply() -> None:
    supplies = [{"PowerInputWatts": 300}, {"Status": {"State": "Absent"}}]
    found = power.power_supplies([{"PowerSupplies": supplies}], "P")
    assert found is not None
    assert found.watts == 300


@pytest.mark.parametrize(
    "part",
    [
        {"Name": "CPU Sub-system Power"},
        {"Name": "Memory Subsystem Power Control"},
        {"Name": "Accelerator0 Power Control"},
        {"Name": "GPU1"},
        {"Name": "Power", "PhysicalContext": "CPU"},
        {"Name": "Power", "PhysicalContext": "GPUSubsystem"},
    ],
)
def test_a_part_of_the_machine_is_not_taken_for_it(part: dict[str, str]) -> None:
    whole = {"Name": "Node Power Control", "PowerConsumedWatts": 600}
    control = [{**part, "PowerConsumedWatts": 90}]
    assert power.power_control([{"PowerControl": control}], "P") is None
    found = power.power_control([{"PowerControl": [*control, whole]}], "P")
    assert found is not None
    assert (found.watts, found.source) == (600, "P#PowerControl/1")


def sensor(name: str, watts: float | None, **more: Any) -> dict[str, Any]:
    return {"Name": name, "ReadingType": "Power", "ReadingUnits": "W", "Reading": watts, **more}


SUPPLY = {"PhysicalContext": "PowerSupply"}


@pytest.mark.parametrize(
    ("listed", "watts"),
    [
        ([sensor("CPU Power", 90), sensor("total_power", 400)], 400),
        ([sensor("Total GPU Power", 2800), sensor("Chassis Power", 4000)], 4000),
        ([sensor("PSU1 Input", 200, **SUPPLY), sensor("PSU2 Input", 210, **SUPPLY)], 410),
        ([sensor("PSU1 Input", 200, **SUPPLY), sensor("PSU1 Output", 190, **SUPPLY)], 200),
        ([sensor("PSU1 Input", 200, **SUPPLY), sensor("PSU2 Input", None, **SUPPLY)], None),
        ([sensor("CPU Power", 90), sensor("DIMM Power", 20)], None),
        ([sensor("Total Power", 0.4, ReadingUnits="kW")], None),
    ],
)
def test_the_sensors_that_tell_the_machines_power_are_chosen(
    listed: list[dict[str, Any]], watts: float | None
) -> None:
    found = power.sensors(power.telling_sensors(listed), "S")
    assert (found and found.watts) == watts


def test_a_sensor_of_all_energy_comes_with_the_one_of_all_power() -> None:
    energy = {"Name": "Total Energy", "ReadingType": "EnergykWh", "LifetimeReading": 3}
    found = power.sensors(power.telling_sensors([sensor("Total Power", 400), energy]), "S")
    assert found == Reading(400, "S", joules=3 * 3_600_000)


HUGE = 1.7e308


def test_numbers_too_large_to_add_up_are_no_watts_and_no_joules() -> None:
    supplies = [{"PowerSupplies": [{"PowerInputWatts": HUGE}] * 2}]
    assert power.power_supplies(supplies, "P") is None
    metrics = {"PowerWatts": {"Reading": 5}, "EnergykWh": {"Reading": HUGE}}
    assert power.environment_metrics([metrics], "E") == Reading(5, "E#PowerWatts")
    total = sensor("Total Power", 400)
    energy = {"Name": "Total Energy", "ReadingType": "EnergykWh", "Reading": HUGE}
    assert power.sensors([total, energy], "S") == Reading(400, "S")


def test_a_window_too_long_to_be_told_is_none() -> None:
    metrics = {"AverageConsumedWatts": 5, "IntervalInMin": HUGE}
    found = power.average_power([{"PowerControl": [{"PowerMetrics": metrics}]}], "P")
    assert found is not None
    assert found.statistics == Statistics(average_watts=5)


@pytest.mark.parametrize("change", [{"ReadingType": "Temperature"}, {"ReadingUnits": "kW"}])
def test_a_sensor_that_has_become_another_gives_no_watts(change: dict[str, str]) -> None:
    assert power.sensors([sensor("Total Power", 400)], "S") == Reading(400, "S")
    assert power.sensors([sensor("Total Power", 400) | change], "S") is None
