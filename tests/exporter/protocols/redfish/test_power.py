"""Where watts are in Redfish's JSON: each maker's shape, and JSON of every kind."""

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.redfish import power as power
from rackwatt_exporter.protocols.redfish.json import link, members
from rackwatt_exporter.protocols.redfish.machine import Machine
from rackwatt_exporter.protocols.redfish.power import Finder, Found, NotNamedError
from rackwatt_exporter.reading import Members, ReadError, Reading, Reason, Statistics

CHASSIS = "/redfish/v1/Chassis/1"
OWN = Machine(frozenset({CHASSIS, "/redfish/v1/Systems/1"}))
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
        "Public",
        "TotalPower",
        "Huawei",
        "ts_fujitsu",
        "ChassisPowerConsumption",
        "CurrentPowerConsumptionW",
        "Links",
        "@odata.id",
        "ReadingType",
        "ReadingUnits",
        "PhysicalContext",
        "RelatedItem",
    ]
)
JSON = st.recursive(
    SCALARS | st.sampled_from(["Power", "Absent", "PowerSupply", "total power", CHASSIS]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)
ONE: list[Finder] = [
    power.metrics,
    power.power_control(OWN),
    power.average_power(OWN),
    power.oem_total(Machine()),
    power.supply_inputs,
    power.supply_outputs,
    power.supply_metrics(["PSU1"]),
    power.controls_named(["total power"]),
]
UNREADABLE = (Reason.SENSOR_UNREADABLE, Reason.BAD_REPLY)


def watts_or_why(find: Finder, *documents: Any) -> Reading | None:
    """Return what is found; errors have to be of the reasons that there are."""
    try:
        found = find(documents, "P")
    except NotNamedError:
        return None
    except ReadError as error:
        assert error.reason in UNREADABLE
        assert str(error).isprintable()
        return None
    return found and found.reading


def unreadable(find: Finder, *documents: Any, reason: Reason = Reason.SENSOR_UNREADABLE) -> str:
    with pytest.raises(ReadError) as raised:
        find(documents, "P")
    assert raised.value.reason is reason
    return str(raised.value)


@pytest.mark.parametrize("find", ONE)
@given(document=JSON)
@example(document={"PowerWatts": {"Reading": 10**400}})
@example(document={"PowerWatts": {"Reading": True}})
def test_any_json_gives_watts_or_a_reason(find: Finder, document: Any) -> None:
    reading = watts_or_why(find, document)
    if reading is not None:
        numbers = [reading.watts, *([reading.joules] if reading.joules is not None else [])]
        assert all(isinstance(n, float) and math.isfinite(n) and n > 0 for n in numbers)


@given(JSON, st.lists(st.sampled_from(["Links", "PowerControl", 0, "@odata.id"]), max_size=4))
def test_any_way_through_json_ends_well(document: Any, way: list[str | int]) -> None:
    found = link(document, *way)
    assert found is None or found.startswith("/")
    assert isinstance(members(document), list)


def test_a_link_to_a_part_of_a_resource_leads_to_the_resource() -> None:
    """Found by fuzzing: with the fragment, a source could not be distinguished from its path."""
    assert link({"Power": {"@odata.id": "/redfish/v1/Power#/PowerControl/0"}}, "Power") == (
        "/redfish/v1/Power"
    )
    assert link({"@odata.id": "#/PowerControl/0"}) is None


WATTS = st.floats(0.5, 5000)


@given(
    st.lists(WATTS, min_size=1, max_size=6),
    st.integers(0, 6),
    st.sampled_from([None, "na", -1, 65535, 4294967295]),
)
def test_one_supply_that_does_not_read_spoils_the_sum_and_is_named(
    inputs: list[float], index: int, spoilt: Any
) -> None:
    supplies: list[Any] = [{"Name": f"PSU{i}", "PowerInputWatts": w} for i, w in enumerate(inputs)]
    found = power.supply_inputs([{"PowerSupplies": supplies}], "P")
    names = tuple(each["Name"] for each in supplies)
    total = Reading(math.fsum(inputs), "P#PowerSupplies/PowerInputWatts")
    assert found == Found(total, names)
    supplies.insert(index, {"Name": "asleep", "PowerInputWatts": spoilt})
    assert "asleep" in unreadable(power.supply_inputs, {"PowerSupplies": supplies})
    assert power.supply_outputs([{"PowerSupplies": supplies}], "P") is None


def test_the_error_of_a_sum_counts_its_members() -> None:
    supplies = [{"PowerInputWatts": 300}, {"PowerInputWatts": None}]
    with pytest.raises(ReadError) as raised:
        power.supply_inputs([{"PowerSupplies": supplies}], "P")
    assert raised.value.members == Members(2, 1)


def test_an_empty_bay_is_no_supply() -> None:
    supplies = [{"PowerInputWatts": 300}, {"Status": {"State": "Absent"}}]
    found = power.supply_inputs([{"PowerSupplies": supplies}], "P")
    assert found is not None
    assert found.reading.watts == 300


@pytest.mark.parametrize("ids", [("0", "1"), ("0", "0"), ("", "")])
def test_supplies_of_one_name_are_two_members(ids: tuple[str, str]) -> None:
    """Found by fuzzing: two of one name and one MemberId were summed as one."""
    supplies = [{"Name": "HpeSupply", "MemberId": n, "PowerInputWatts": 100} for n in ids]
    found = power.supply_inputs([{"PowerSupplies": supplies}], "P")
    assert found is not None
    assert found.reading.watts == 200
    assert len(set(found.members)) == 2


# Parts of which no list has to know.
UNHEARD_OF = ["HBM", "VRM", "NVSwitch", "Slot 3", "12V", "Xeon 0", "Heater", "Midplane", "Switch 1"]


@pytest.mark.parametrize(
    "part",
    [
        {"Name": "CPU Sub-system Power"},
        {"Name": "Memory Subsystem Power Control"},
        {"Name": "Accelerator0 Power Control"},
        {"Name": "GPU1"},
        {"Name": "Power", "PhysicalContext": "CPU"},
        {"Name": "Power", "PhysicalContext": "GPUSubsystem"},
        {"Name": "OCP"},
        *({"Name": name} for name in UNHEARD_OF),
        {"Name": "HBM", "PhysicalContext": "SystemBoard"},
        {"Name": "Mezz_Power"},
        {"Name": "CPU_Total_Power"},
        {"Name": "PCIE1 Power Consumption", "RelatedItem": [{"@odata.id": CHASSIS}]},
        {"Name": "Power", "RelatedItem": [{"@odata.id": f"{CHASSIS}/Drives/1"}]},
        {"Name": "Total", "RelatedItem": [{"@odata.id": f"{CHASSIS}/Power#/PowerSupplies/0"}]},
        {"Name": "Power", "RelatedItem": [{"@odata.id": f"{CHASSIS}/Power#/Voltages/0"}]},
    ],
)
def test_a_part_of_the_machine_is_not_taken_for_it(part: dict[str, Any]) -> None:
    find = power.power_control(OWN)
    whole = {"Name": "Node Power Control", "PowerConsumedWatts": 600}
    control = [{**part, "PowerConsumedWatts": 90}]
    with pytest.raises(NotNamedError, match=part["Name"]):
        find([{"PowerControl": control}], "P")
    found = find([{"PowerControl": [*control, whole]}], "P")
    assert found is not None
    assert (found.reading.watts, found.reading.source) == (600, "P#PowerControl/1")


@pytest.mark.parametrize(
    "whole",
    [
        {},
        {"MemberId": "1", "PhysicalContext": "PowerSupply"},  # Cisco
        {"MemberId": "PowerControl", "Name": "System Power Control"},  # Dell
        {"Name": "System Power Control 1"},  # Huawei
        {"Name": "Chassis Power Control"},  # OpenBMC
        {"Name": "Server Power Control", "RelatedItem": [{"@odata.id": CHASSIS}]},  # Lenovo
        {"Name": "CN7016341A00FF"},
        {"Name": "4c4c4544-0051-3010-8052-b4c04f4d3332"},
        {"Name": "redacted-19"},  # in a capture, for a serial number or a UUID
        {"Name": "PowerControl"},
        {"Name": "Power Control 1", "PhysicalContext": "SystemBoard"},
        {"Name": "HBM", "PhysicalContext": "Chassis"},
        {"Name": ""},
        {"Name": "Power of Fred", "RelatedItem": [{"@odata.id": f"{CHASSIS}/"}]},
        {"Name": "Total", "RelatedItem": [{"@odata.id": f"{CHASSIS}/Power#/PowerControl/0"}]},
    ],
)
def test_a_lone_power_control_is_the_machines_unless_it_says_otherwise(
    whole: dict[str, Any],
) -> None:
    found = power.power_control(OWN)([{"PowerControl": [{**whole, "PowerConsumedWatts": 9}]}], "P")
    assert found is not None
    assert found.reading.watts == 9


@pytest.mark.parametrize("name", ["System Power Control", "", "Power"])
@pytest.mark.parametrize("other", ["2", "10", "2/Processors/CPU0"])
def test_a_power_control_of_two_systems_is_a_doubt(name: str, other: str) -> None:
    paths = ["/redfish/v1/Systems/1", f"/redfish/v1/Systems/{other}"]
    related = [{"@odata.id": path} for path in paths]
    control = {"Name": name, "PowerConsumedWatts": 888, "RelatedItem": related}
    for find in (power.power_control(OWN), power.average_power(OWN)):
        with pytest.raises(NotNamedError, match=name or "without a name"):
            find([{"PowerControl": [control]}], "P")


@pytest.mark.parametrize("name", ["System Power Control", "", "Power"])
@pytest.mark.parametrize("other", [f"{CHASSIS}0", f"{CHASSIS}0/", f"{CHASSIS}0/Power"])
def test_a_power_control_of_two_chassis_is_a_doubt_unless_both_are_of_the_machine(
    name: str, other: str
) -> None:
    related = [{"@odata.id": path} for path in (CHASSIS, other)]
    control = {"Name": name, "PowerConsumedWatts": 888, "RelatedItem": related}
    document = {"PowerControl": [control]}
    with pytest.raises(NotNamedError, match=name or "without a name"):
        power.power_control(OWN)([document], "P")
    found = power.power_control(Machine(OWN.own | {f"{CHASSIS}0"}))([document], "P")
    assert found is not None
    assert found.reading.watts == 888


def test_a_pdus_power_that_is_of_another_pdu_too_is_a_doubt() -> None:
    pdus = [f"/redfish/v1/PowerEquipment/RackPDUs/{number}" for number in (1, 2)]
    related = [{"@odata.id": path} for path in pdus]
    control = {"PowerConsumedWatts": 888, "RelatedItem": related}
    with pytest.raises(NotNamedError):
        power.power_control(Machine(frozenset(pdus[:1])))([{"PowerControl": [control]}], "P")


def test_a_control_named_twice_counts_once() -> None:
    controls = [{"Name": name, "PowerConsumedWatts": 5} for name in ("A", "B")]
    found = power.controls_named(["A", "B", "A"])([{"PowerControl": controls}], "P")
    assert found == Found(Reading(10, "P#PowerControl/A+B"), ("A", "B"))


def test_two_that_may_be_the_total_are_a_doubt_that_names_both() -> None:
    controls = [{"Name": f"Node Power {n}", "PowerConsumedWatts": 300} for n in "AB"]
    controls += [{"Name": "CPU", "PowerConsumedWatts": 40}]
    both = [{"Name": name, "PowerConsumedWatts": 3} for name in ("System Power", "Node Power")]
    with pytest.raises(NotNamedError, match="Node Power A"):
        power.power_control(OWN)([{"PowerControl": controls}], "P")
    with pytest.raises(NotNamedError, match="several that may be the total: 'System Power', 'Node"):
        power.power_control(OWN)([{"PowerControl": both}], "P")
    both.append({"Name": "Total_Power", "PowerConsumedWatts": 6})
    found = power.power_control(OWN)([{"PowerControl": both}], "P")
    assert found is not None
    assert found.reading.watts == 6


@pytest.mark.parametrize("node", ["Node Power", "Sled Power", "Blade Input Power"])
def test_a_total_of_a_chassis_is_a_doubt_beside_the_power_of_a_node(node: str) -> None:
    """Found on a chassis of four nodes, whose total was taken for one of them."""
    listed = [("Chassis Total Power", 3600), (node, 900)]
    controls = [{"Name": name, "PowerConsumedWatts": watts} for name, watts in listed]
    with pytest.raises(NotNamedError, match=f"the total: 'Chassis Total Power', '{node}'"):
        power.power_control(OWN)([{"PowerControl": controls}], "P")
    controls.append({"Name": f"Total {node}", "PowerConsumedWatts": 901})
    found = power.power_control(OWN)([{"PowerControl": controls[1:]}], "P")
    assert found is not None
    assert found.reading.watts == 901


NO_MEASUREMENT: list[Any] = [None, 0, 65535, -1, 4294967295]
NO_NUMBER: list[Any] = ["N/A", "", True, [300], {}, 10**400]


@pytest.mark.parametrize(
    ("nothing", "reason"),
    [
        *((each, Reason.SENSOR_UNREADABLE) for each in NO_MEASUREMENT),
        *((each, Reason.BAD_REPLY) for each in NO_NUMBER),
    ],
)
def test_a_total_that_is_no_measurement_is_none(nothing: Any, reason: Reason) -> None:
    control = {"PowerControl": [{"PowerConsumedWatts": nothing}]}
    total = {"Oem": {"Public": {"TotalPower": nothing, "CurrentCPUPowerWatts": 180}}}
    metrics = {"PowerWatts": {"Reading": nothing}}
    assert "PowerControl/0" in unreadable(power.power_control(OWN), control, reason=reason)
    assert "PowerWatts" in unreadable(power.metrics, metrics, reason=reason)
    assert "TotalPower" in unreadable(power.oem_total(Machine()), total, reason=reason)


def test_a_resource_without_the_property_has_no_watts_and_is_no_error() -> None:
    assert (
        power.power_control(OWN)([{"PowerControl": [{"Name": "System Power Control"}]}], "P")
        is None
    )
    assert power.metrics([{"PowerWatts": {"DataSourceUri": "/x"}}], "P") is None
    assert power.supply_inputs([{"PowerSupplies": [{"Name": "PSU1"}]}], "P") is None


HUGE = 1.7e308


@pytest.mark.parametrize("counted", [0xFFFFFFFF, 0x7FFFFFFF, -1, 0])
@pytest.mark.parametrize("unit", ["EnergykWh", "EnergyJoules"])
def test_a_counter_of_energy_that_says_no_measurement_is_none(unit: str, counted: int) -> None:
    document = {"PowerWatts": {"Reading": 300}, unit: {"LifetimeReading": counted, "Reading": 9}}
    found = power.metrics([document], "M")
    assert found is not None
    assert found.reading.watts == 300
    assert found.reading.joules == 9 * power.ENERGY_UNITS[unit]
    assert power.joules({unit: {"LifetimeReading": counted}}) is None


def test_numbers_too_large_to_add_up_are_no_watts_and_no_joules() -> None:
    supplies = {"PowerSupplies": [{"PowerInputWatts": HUGE}] * 2}
    assert "no number" in unreadable(power.supply_inputs, supplies)
    metrics = {"PowerWatts": {"Reading": 5}, "EnergykWh": {"Reading": HUGE}}
    assert power.metrics([metrics], "E") == Found(Reading(5, "E#PowerWatts"))


def test_a_window_too_long_for_a_float_is_none() -> None:
    metrics = {"AverageConsumedWatts": 5, "IntervalInMin": HUGE, "MaxConsumedWatts": 65535}
    found = power.average_power(OWN)([{"PowerControl": [{"PowerMetrics": metrics}]}], "P")
    assert found is not None
    assert found.reading.statistics == Statistics(average_watts=5)


@pytest.mark.parametrize("second", [300, 310])
def test_a_supply_that_is_listed_twice_counts_once_whatever_it_reads(second: int) -> None:
    listed = [
        {"@odata.id": f"/P#/PowerSupplies/{n}", "MemberId": n, "PowerInputWatts": watts}
        for n, watts in (("0", 300), ("1", 200), ("0", second))
    ]
    found = power.supply_inputs([{"PowerSupplies": listed}], "P")
    assert found is not None
    assert (found.reading.watts, len(found.members)) == (200 + second, 2)


def test_supplies_that_share_a_path_by_mistake_are_both_counted() -> None:
    listed = [
        {"@odata.id": "/P#/PowerSupplies/0", "MemberId": n, "PowerInputWatts": 300} for n in "01"
    ]
    found = power.supply_inputs([{"PowerSupplies": listed}], "P")
    assert found is not None
    assert found.reading.watts == 600


SAME = {"@odata.id": "/redfish/v1/Chassis/1/Power", "MemberId": "0", "Name": "PSU"}


@pytest.mark.parametrize(
    ("about", "count"),
    [
        ({}, 2),  # the path of Power, which all of its members may have
        ({"@odata.id": ""}, 2),
        ({"SerialNumber": ""}, 2),
        ({"SerialNumber": "DE1234567"}, 1),
        ({"@odata.id": "/redfish/v1/Chassis/1/Power#/PowerSupplies/0"}, 1),
    ],
)
def test_two_supplies_are_one_if_the_path_of_the_member_or_a_serial_number_says_so(
    about: dict[str, str], count: int
) -> None:
    supplies = [SAME | about | {"PowerInputWatts": watts} for watts in (100, 110)]
    document = {"PowerSupplies": supplies}
    assert len(power.fitted_supplies(document)) == count
    found = power.supply_inputs([document], "P")
    assert found is not None
    assert found.reading.watts == (210 if count == 2 else 110)


@pytest.mark.parametrize("count", [None, 2])
@pytest.mark.parametrize("name", ["System Power Control", "Power Control", ""])
def test_a_power_control_that_is_absent_is_no_other(name: str, count: int | None) -> None:
    working = {"Name": name, "PowerConsumedWatts": 53}
    absent = {"Name": name, "PowerConsumedWatts": 0, "Status": {"State": "Absent"}}
    for controls in ([working, absent], [absent, working]):
        document = {"PowerControl": controls, "PowerControl@odata.count": count}
        found = power.power_control(Machine())([document], "P")
        assert found is not None
        assert found.reading.watts == 53
        assert found.reading.source == f"P#PowerControl/{controls.index(working)}"


@pytest.mark.parametrize("serial", ["DE1234567", "A1B2C3", "5BXRB0A9DCK1"])
def test_supplies_of_one_serial_number_may_be_one(serial: str) -> None:
    supplies = [{"MemberId": str(n), "SerialNumber": serial} for n in range(2)]
    assert power.of_one_serial_number([*supplies, {"SerialNumber": f"{serial}X"}]) == supplies
    assert power.of_one_serial_number(supplies[1:]) == []


@pytest.mark.parametrize("text", ["", "N/A", "00000000", "0123456789", "Not Specified", None, 7])
def test_what_many_supplies_have_in_place_of_a_serial_number_is_none(text: Any) -> None:
    assert power.of_one_serial_number([{"SerialNumber": text}] * 2) == []
