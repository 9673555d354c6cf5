"""Names of one chassis beside or within others: `Chassis` of a blade, `Node` of an enclosure."""

from typing import Any

import pytest

from rackwatt_exporter.protocols.redfish.machine import Place, machine_in
from rackwatt_exporter.protocols.redfish.power import NotNamedError, power_control
from rackwatt_exporter.protocols.redfish.sensors import choose_sensors
from tests.exporter.protocols.redfish.test_sensors import CHASSIS, OWN, sensor

WITHIN = ["Blade", "Sled", "Module", "Card", "Component", "Cartridge", "Expansion"]
IN_ENCLOSURE = ["Node Power", "Blade Input Power", "Server Total Power", "System Power"]


def chassis(kind: str, systems: int = 1) -> dict[str, Any]:
    links = [{"@odata.id": f"/redfish/v1/Systems/{number}"} for number in range(1, systems + 1)]
    return {"@odata.id": CHASSIS, "ChassisType": kind, "Links": {"ComputerSystems": links}}


def chosen(of: dict[str, Any], *listed: dict[str, Any], system: bool = True) -> list[str]:
    machine = machine_in(of, OWN.own if system else {CHASSIS})
    return [each["Name"] for each in choose_sensors(listed, machine).sensors]


@pytest.mark.parametrize("kind", WITHIN)
@pytest.mark.parametrize("context", [{}, {"PhysicalContext": "Chassis"}])
@pytest.mark.parametrize(
    "name", ["Chassis Total Power", "Chassis Power", "Chassis PSU Total Input"]
)
def test_a_sensor_called_chassis_within_another_chassis_is_a_doubt(
    name: str, context: dict[str, str], kind: str
) -> None:
    with pytest.raises(NotNamedError, match=f"or of the one around it: '{name}"):
        chosen(chassis(kind), sensor(name, 4100, **context))
    assert chosen(chassis("RackMount"), sensor(name, 400, **context)) == [name]


@pytest.mark.parametrize("kind", WITHIN)
def test_a_sensor_called_chassis_is_the_blades_where_the_tree_says_so(kind: str) -> None:
    related = {"RelatedItem": [{"@odata.id": CHASSIS}]}
    name = "Chassis Total Power"
    assert chosen(chassis(kind), sensor(name, 400, **related)) == [name]


@pytest.mark.parametrize("kind", WITHIN)
@pytest.mark.parametrize(
    "name", ["Node Power", "Node Total Power", "Blade Input Power", "System Power"]
)
def test_a_sensor_called_node_on_a_blade_is_taken_beside_that_of_the_enclosure(
    name: str, kind: str
) -> None:
    found = chosen(chassis(kind), sensor(name, 410), sensor("Chassis Total Power", 4100))
    assert found == [name]


@pytest.mark.parametrize("kind", WITHIN)
@pytest.mark.parametrize("name", ["", "Power Control", "Server Power Control", "Node Total Power"])
def test_the_only_power_control_is_of_its_chassis_unless_its_name_may_mean_another(
    name: str, kind: str
) -> None:
    find = power_control(machine_in(chassis(kind), OWN.own))
    control = {"Name": name, "PowerConsumedWatts": 400}
    found = find([{"PowerControl": [control]}], "P")
    assert found is not None
    assert found.reading.watts == 400
    for elsewhere in ("Chassis Power Control", "Total Power", "Overall Power Consumption"):
        with pytest.raises(NotNamedError, match=elsewhere):
            find([{"PowerControl": [control | {"Name": elsewhere}]}], "P")
    related = {"Name": "Total Power", "RelatedItem": [{"@odata.id": CHASSIS}]}
    assert find([{"PowerControl": [control | related]}], "P")


@pytest.mark.parametrize("kind", WITHIN)
@pytest.mark.parametrize("name", ["Total_Power", "PSU_Total_Input_Power", "Overall Power"])
def test_a_total_that_names_no_node_within_another_chassis_is_a_doubt(name: str, kind: str) -> None:
    with pytest.raises(NotNamedError, match=f"or of the one around it: '{name}"):
        chosen(chassis(kind), sensor(name, 1800), sensor("CPU0_Power", 200))
    assert chosen(chassis("RackMount"), sensor(name, 1800)) == [name]


@pytest.mark.parametrize("name", IN_ENCLOSURE)
@pytest.mark.parametrize("of", [chassis("Enclosure", 0), chassis("RackMount", 4), chassis("Rack")])
def test_a_sensor_called_node_of_an_enclosure_of_several_is_a_doubt(
    of: dict[str, Any], name: str
) -> None:
    with pytest.raises(NotNamedError, match=f"of one machine of several in this chassis: '{name}"):
        chosen(of, sensor(name, 400), system=False)
    whole = "Chassis Total Power"
    assert chosen(of, sensor(name, 400), sensor(whole, 1600), system=False) == [whole]


@pytest.mark.parametrize(
    ("of", "system", "place"),
    [
        (chassis("Enclosure"), True, Place.ALONE),
        (chassis("RackMount", 2), True, Place.ALONE),
        (chassis("RackMount", 1), False, Place.ALONE),
        (chassis("Enclosure"), False, Place.AROUND),
        (chassis("Row"), True, Place.AROUND),
        (chassis("Rack"), True, Place.ALONE),
        (chassis("Rack"), False, Place.AROUND),
        ({"ChassisType": "Rack", "Links": {"Contains": [{}]}}, True, Place.AROUND),
        (chassis("Sled"), False, Place.WITHIN),
        ({}, False, Place.ALONE),
    ],
)
def test_the_place_of_a_chassis_is_by_its_type_and_its_systems(
    of: dict[str, Any], system: bool, place: Place
) -> None:
    assert machine_in(of, OWN.own if system else {CHASSIS}).place is place
