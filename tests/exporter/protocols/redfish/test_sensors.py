"""Which sensors are the machine's power: names and contexts of many makers, and JSON of every kind."""

import string
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.redfish.machine import Machine
from rackwatt_exporter.protocols.redfish.names import supply_named
from rackwatt_exporter.protocols.redfish.power import Found, NotNamedError, power_control
from rackwatt_exporter.protocols.redfish.sensors import (
    choose_sensors,
    power_sensors,
    sum_of,
    total_of,
)
from rackwatt_exporter.reading import ReadError, Reading, Reason

CHASSIS = "/redfish/v1/Chassis/1"
OWN = Machine(frozenset({CHASSIS, "/redfish/v1/Systems/1"}))
SUPPLY = {"PhysicalContext": "PowerSupply"}


def sensor(name: str, watts: Any = 90, **more: Any) -> dict[str, Any]:
    path = f"{CHASSIS}/Sensors/{name.replace(' ', '_')}"
    about = {"@odata.id": path, "Name": name, "ReadingType": "Power", "ReadingUnits": "W"}
    return {**about, "Reading": watts, **more}


def chosen(*listed: dict[str, Any]) -> list[str]:
    return [each["Name"] for each in choose_sensors(listed, OWN).sensors]


WHOLE = [
    "Total_Power",
    "total_power",
    "TotalPower",
    "totalpower",
    "TOTAL PWR",
    "System Board Pwr Consumption",
    "SystemBoardPwrConsumption",
    "SYS_POWER",
    "Chassis Input Power",
    "Chassis_0_TotalHSC_Power_0",
    "Node Power",
    "Power Consumption",
    "Overall AC power",
]
PARTS = [
    "CPU_Total_Power",
    "cpu_total_power",
    "DIMM_Total_Power",
    "Total GPU Power",
    "HDD Power",
    "HDD Backplane Pwr Consumption",
    "PCIE1 Power Consumption",
    "PCIe Slot 3 Power",
    "P1_Total_Power",
    "FAN_PWR_Total",
    "OCP_NIC_Total_Power",
    "SoC Total Power",
    "M2_Power_Consumption",
    "Total_Power_Limit",
    "Total Power Output",
    "System Power Headroom",
    "Peak System Power",
    "System Board Power",
    "Whatever comes next year Total Power",
    "cputotalpower",
    "Power",
]


@pytest.mark.parametrize("name", WHOLE)
def test_a_name_of_which_every_word_means_the_whole_is_chosen(name: str) -> None:
    assert chosen(sensor("CPU Power"), sensor(name)) == [name]


@pytest.mark.parametrize("name", PARTS)
def test_a_name_with_any_other_word_is_a_doubt_that_names_it(name: str) -> None:
    with pytest.raises(NotNamedError, match=name):
        chosen(sensor(name))
    assert chosen(sensor(name), sensor("Total_Power")) == ["Total_Power"]


@given(
    st.text(max_size=12), st.sampled_from(["{} Total Power", "Total {} Power", "{}_System_Power"])
)
def test_no_word_that_is_not_known_passes_for_the_whole(said: str, name: str) -> None:
    """Unless it adds nothing: numbers, signs, and the words of the vocabulary."""
    letters = "".join(c for c in said if c.isascii() and c.isalpha())
    named = name.format(f"Zq{letters}")
    with pytest.raises(NotNamedError):
        choose_sensors([sensor("x") | {"Name": named}], OWN)


LETTERS = st.characters(categories=["L", "Nd", "Nl"], exclude_characters=string.ascii_letters)


@given(
    st.text(LETTERS, min_size=1, max_size=5), st.sampled_from(["{} Total Power", "Power Total{}"])
)
def test_a_word_in_other_letters_than_ascii_is_not_known(word: str, named: str) -> None:
    assume(not word.isascii())
    name = named.format(word)
    with pytest.raises(NotNamedError):
        chosen(sensor(name, 120, Id="0x31"))
    control = {"Name": name, "PowerConsumedWatts": 40}
    with pytest.raises(NotNamedError):
        power_control(OWN)([{"PowerControl": [control]}], "P")


@pytest.mark.parametrize(
    "name", ["处理器 Total Power", "内存 System Power", "Процессор Power Total", "Systémová Power"]
)
def test_a_part_that_is_named_in_another_script_is_no_total(name: str) -> None:
    with pytest.raises(NotNamedError, match=name):
        chosen(sensor(name, 120, Id="0x31"))
    assert chosen(sensor(name, 120), sensor("Total Power", 900)) == ["Total Power"]


@pytest.mark.parametrize(
    "more",
    [
        {"RelatedItem": [{"@odata.id": "/redfish/v1/Systems/1/Processors/CPU0"}]},
        {"RelatedItem": [{"@odata.id": f"{CHASSIS}/Drives/3"}]},
        {"RelatedItem": [{"@odata.id": f"{CHASSIS}/PowerSubsystem/PowerSupplies/0"}]},
        {"RelatedItem": [{"@odata.id": f"{CHASSIS}/Power#/PowerSupplies/0"}]},
        {"RelatedItem": [{"@odata.id": f"{CHASSIS}/PowerSubsystem/Batteries/Module1"}]},
        {"RelatedItem": [{"@odata.id": f"{CHASSIS}/Power#/Voltages/2"}]},
        {"PhysicalContext": "CPU"},
        {"PhysicalContext": "StorageDevice"},
        {"PhysicalContext": "Backplane"},
        SUPPLY,
        {"Id": "CPU_Total"},
    ],
)
def test_a_total_of_what_the_tree_says_is_a_part_is_a_doubt(more: dict[str, Any]) -> None:
    with pytest.raises(NotNamedError):
        chosen(sensor("Total Power", **more))


FEEDING = ["PDU_Power", "PDU Total Power", "Shelf Power", "Power Shelf Input Power", "PDU1_PWR"]


@pytest.mark.parametrize("name", FEEDING)
def test_what_feeds_a_machine_is_not_the_machine(name: str) -> None:
    with pytest.raises(NotNamedError, match=name):
        chosen(sensor(name, 77), sensor("CPU_Power", 300))
    assert chosen(sensor(name, 77), sensor("System_Power")) == ["System_Power"]


@pytest.mark.parametrize("name", FEEDING)
@pytest.mark.parametrize("path", ["/redfish/v1/PowerEquipment/RackPDUs/1", CHASSIS])
def test_a_pdu_or_a_shelf_is_the_whole_of_itself(name: str, path: str) -> None:
    assert choose_sensors([sensor(name)], Machine(frozenset({path}))).sensors == [sensor(name)]


SYSTEM = "/redfish/v1/Systems/1"
OF_TWO_SYSTEMS = [
    [SYSTEM, "/redfish/v1/Systems/2"],
    [CHASSIS, "/redfish/v1/Systems/2/"],
    [SYSTEM, CHASSIS, "/redfish/v1/Systems/10"],
    [SYSTEM, "/redfish/v1/Systems/2/Processors/CPU0"],
    [SYSTEM, "/redfish/v1/Systems/2#/ProcessorSummary"],
]
OF_TWO_CHASSIS = [
    [CHASSIS, f"{CHASSIS}0"],
    [f"{CHASSIS}0/", CHASSIS, SYSTEM],
    [SYSTEM, f"{CHASSIS}0/PowerSubsystem/PowerSupplies/0"],
    [CHASSIS, f"{CHASSIS}0/Power#/PowerControl/0"],
]


@pytest.mark.parametrize("paths", OF_TWO_SYSTEMS + OF_TWO_CHASSIS)
def test_what_is_of_another_system_or_chassis_too_is_a_doubt(paths: list[str]) -> None:
    total = sensor("Total_Power", 999, RelatedItem=[{"@odata.id": path} for path in paths])
    with pytest.raises(NotNamedError, match="Total_Power"):
        chosen(total)
    assert chosen(total, sensor("System Power")) == ["System Power"]


@given(st.lists(st.sampled_from([SYSTEM, f"{SYSTEM}/", f"{CHASSIS}/", CHASSIS]), min_size=1))
def test_what_is_of_the_machine_alone_is_its_total(paths: list[str]) -> None:
    related = [{"@odata.id": path} for path in paths]
    assert chosen(sensor("Total_Power", RelatedItem=related)) == ["Total_Power"]


@pytest.mark.parametrize(
    "more",
    [
        {"RelatedItem": [{"@odata.id": f"{CHASSIS}/"}]},
        {"RelatedItem": [{"@odata.id": "/redfish/v1/Systems/1"}]},
        {
            "RelatedItem": [
                {"@odata.id": CHASSIS},
                {"@odata.id": f"{CHASSIS}/Power#/PowerControl/0"},
            ]
        },
        {"PhysicalContext": "Chassis"},
    ],
)
def test_the_tree_may_say_that_a_plain_name_is_the_whole(more: dict[str, Any]) -> None:
    assert chosen(sensor("Power", **more), sensor("GPU Power", **more)) == ["Power"]


@pytest.mark.parametrize(
    ("listed", "names"),
    [
        ([sensor("PSU1 Input", **SUPPLY), sensor("PSU2 Input", **SUPPLY)], 2),
        ([sensor("PSU1 Input", **SUPPLY), sensor("PSU1 Output", **SUPPLY)], 1),
        ([sensor("ps0 input power"), sensor("ps0 output power"), sensor("ps1 input power")], 2),
        ([sensor("PSU1_PIN"), sensor("PSU1_POUT"), sensor("PSU2_PIN"), sensor("CPU0_PWR")], 2),
        ([sensor("PS1InputPower"), sensor("PS2InputPower"), sensor("12V rail")], 2),
        ([sensor("Bay 1", **SUPPLY, PhysicalSubContext="Input")], 1),
        ([sensor("Bay 1 PSU 1 Input"), sensor("Bay 1 PSU 1 Output"), sensor("HDD 2")], 1),
        ([sensor("PSU1 Input 230V", **SUPPLY), sensor("PSU1 Output 12V"), sensor("PSU1 out")], 1),
    ],
)
def test_without_a_total_the_input_of_every_supply_is_chosen(
    listed: list[dict[str, Any]], names: int
) -> None:
    assert len(choose_sensors(listed, OWN).sensors) == names


@pytest.mark.parametrize(
    "listed",
    [
        [sensor("PSU1 Input Power"), sensor("PSU1 PIN")],
        [sensor("PSU1 Input Power"), sensor("PSU2 Output Power")],
        [sensor("PSU Input Power"), sensor("Supply Input Power")],
        [sensor("PSU1 Output Power"), sensor("PSU2 Output Power")],
        [sensor("Bay 1 PSU 1 Input"), sensor("Bay 1 PSU 2 Output")],
        [sensor("Shelf 1 PS2 Input"), sensor("Shelf 1 PS3 Output"), sensor("Shelf 1 PS2 Output")],
        [sensor("PSU1 Input Power Limit")],
        [sensor("PSU Total Power")],
        [sensor("Chassis Power"), sensor("System Power")],
    ],
)
def test_what_may_be_counted_twice_or_is_not_complete_is_a_doubt(
    listed: list[dict[str, Any]],
) -> None:
    with pytest.raises(NotNamedError):
        choose_sensors(listed, OWN)


def other(name: str, kind: str, **more: Any) -> dict[str, Any]:
    return sensor(name, 3, ReadingType=kind, ReadingUnits="?", **more)


@pytest.mark.parametrize(
    ("power", "without"),
    [
        ("PSU1 Input Power", other("PSU2 Input Voltage", "Voltage")),
        ("PSU1 Input Power", other("PSU2 Input Current", "Current")),
        ("PSU1_PIN", other("PSU2_VIN", "Voltage", **SUPPLY)),
        ("ps0 input power", other("ps1 temp", "Temperature")),
        ("Bay 0 PSU 1 Input Power", other("Bay 0 PSU 2 Fan 1", "Rotational")),
        ("Power Supply 1 Input", other("Power Supply 2 Voltage 1", "Voltage")),
    ],
)
def test_a_supply_that_has_only_other_sensors_is_a_doubt_that_names_them(
    power: str, without: dict[str, Any]
) -> None:
    with pytest.raises(NotNamedError, match=f"no input is known: '{without['Name']}'"):
        choose_sensors([sensor(power), without], OWN)
    absent = without | {"Status": {"State": "Absent"}}
    assert chosen(sensor(power), absent) == [power]


@pytest.mark.parametrize(
    "beside",
    ["PSU1 Input Voltage", "PSU1 Fan 2", "PSU1 Temp 2", "PSU Fan 2", "Temp 2", "PSU1 Output 12V"],
)
def test_other_sensors_of_the_same_supply_are_no_doubt(beside: str) -> None:
    assert chosen(sensor("PSU1 Input Power"), other(beside, "Voltage", **SUPPLY)) == [
        "PSU1 Input Power"
    ]


@given(st.text(max_size=30))
def test_any_name_says_numbers_of_a_supply_or_none(name: str) -> None:
    assert all(each.isdigit() for each in supply_named(name))


@given(st.integers(0, 99), st.integers(0, 99), st.sampled_from(["PSU", "ps", "Power Supply "]))
def test_the_number_after_the_word_is_the_supply(index: int, fan: int, word: str) -> None:
    assert supply_named(f"{word}{index} Fan {fan}") == (str(index),)
    assert supply_named(f"Chassis {fan} {word}{index}") == (str(fan), str(index))


@pytest.mark.parametrize("path", ["Power", "PowerSubsystem/", "Power#/PowerControl/0"])
def test_a_total_may_be_related_to_the_chassis_own_resource_of_power(path: str) -> None:
    related = [{"@odata.id": f"{CHASSIS}/{path}"}]
    assert chosen(sensor("Total Power", RelatedItem=related)) == ["Total Power"]


@pytest.mark.parametrize("identity", ["MainFeed", "HBM", "Gauge 7"])
def test_a_total_by_name_with_an_id_that_may_be_a_part_needs_the_tree(identity: str) -> None:
    total, supply = sensor("Total Power", Id=identity), sensor("PSU1 Input", **SUPPLY)
    with pytest.raises(NotNamedError, match=identity):
        chosen(total, supply)
    assert chosen(total | {"PhysicalContext": "Chassis"}, supply) == ["Total Power"]
    assert chosen(total | {"Id": "CPU_Total"}, supply) == ["PSU1 Input"]


@pytest.mark.parametrize(
    "said",
    [
        {"ReadingBasis": "Headroom"},
        {"ReadingBasis": "Delta"},
        {"ElectricalContext": "Line1"},
        {"ElectricalContext": "Line1ToLine2"},
        {"PhysicalSubContext": "Output"},
    ],
)
@pytest.mark.parametrize("name", ["Total Power", "PSU1 Input Power"])
def test_a_field_that_means_less_than_all_power_overrules_the_name(
    name: str, said: dict[str, str]
) -> None:
    with pytest.raises(NotNamedError, match="{}: {}".format(*next(iter(said.items())))):
        chosen(sensor(name, **said))
    of_all = {"ReadingBasis": "Zero", "ElectricalContext": "Total", "PhysicalSubContext": "Input"}
    assert chosen(sensor(name, **of_all)) == [name]


@pytest.mark.parametrize("node", ["Node Power", "System Power", "Server Input Power"])
def test_a_total_of_a_chassis_is_a_doubt_beside_the_power_of_a_node(node: str) -> None:
    total = sensor("Chassis Total Power", 2400)
    with pytest.raises(NotNamedError, match=f"'Chassis Total Power', '{node}'"):
        chosen(total, sensor(node, 600))
    assert chosen(total) == ["Chassis Total Power"]


@pytest.mark.parametrize("identity", ["PSU1_TotalInput", "TotalInput_PSU_2", "ps0_total_input"])
@pytest.mark.parametrize("said", [{}, {"PhysicalContext": "Chassis"}])
def test_an_id_with_the_number_of_a_supply_is_no_total_of_all(
    identity: str, said: dict[str, str]
) -> None:
    with pytest.raises(NotNamedError, match=identity if not said else "Total"):
        chosen(sensor("PSU Total Input Power", 300, Id=identity, **said))


def test_the_choice_says_whether_it_is_of_supplies() -> None:
    assert choose_sensors([sensor("PSU1 Input")], OWN).supplies
    assert not choose_sensors([sensor("Total Power")], OWN).supplies


def test_a_sum_of_all_inputs_is_not_added_to_them() -> None:
    inputs = [sensor("PSU1 Input Power"), sensor("PSU2 Input Power")]
    total = "PSU Total Input Power"
    assert chosen(*inputs, sensor(total)) == [total]
    with pytest.raises(NotNamedError):
        chosen(sensor("PSU1 Total Input Power"))


@pytest.mark.parametrize("units", ["W", "Watts", "watts", None])
def test_the_units_may_be_written_out(units: str | None) -> None:
    assert chosen(sensor("Total Power", ReadingUnits=units)) == ["Total Power"]


@pytest.mark.parametrize("units", ["kW", "A", "", 5])
def test_other_units_are_no_watts_and_are_named(units: Any) -> None:
    listed = [sensor("Total Power", ReadingUnits=units)]
    assert power_sensors(listed) == []
    with pytest.raises(NotNamedError, match=f"not in W: 'Total Power in {units}'"):
        choose_sensors(listed, OWN)


def test_a_sensor_listed_twice_is_one() -> None:
    assert chosen(sensor("Total Power"), sensor("Total Power")) == ["Total Power"]


def test_a_sensor_of_all_energy_comes_with_the_one_of_all_power() -> None:
    energy = sensor("Total Energy", None, ReadingType="EnergykWh", LifetimeReading=3)
    listed, _ = choose_sensors([sensor("Total Power", 400), energy], OWN)
    found = total_of("Total Power")(listed, "S")
    assert found == Found(Reading(400, "S", joules=3 * 3_600_000))


@pytest.mark.parametrize(
    "change",
    [
        {"ReadingType": "Temperature"},
        {"ReadingUnits": "kW"},
        {"Reading": None},
        {"Reading": 0},
        {"Reading": 65535},
        {"Reading": -3},
        {"Status": {"State": "Absent"}},
    ],
)
def test_a_sensor_without_watts_now_is_unreadable_and_named(change: dict[str, Any]) -> None:
    find = total_of("Total Power")
    assert find([sensor("Total Power", 400)], "S") == Found(Reading(400, "S"))
    for documents in ([sensor("Total Power", 400) | change], [None]):
        with pytest.raises(ReadError, match="Total Power") as raised:
            find(documents, "S")
        assert raised.value.reason is Reason.SENSOR_UNREADABLE


def test_every_member_of_a_sum_has_to_read() -> None:
    assert sum_of(["A"])([sensor("A", 200)], "S") == Found(Reading(200, "S"), ("A",))
    find = sum_of(["A", "B"])
    assert find([sensor("A", 200), sensor("B", 0)], "S") == Found(Reading(200, "S"), ("A", "B"))
    with pytest.raises(ReadError, match="B"):
        find([sensor("A", 200), sensor("B", None)], "S")


KEYS = st.sampled_from(
    [
        "@odata.id",
        "Id",
        "Name",
        "ReadingType",
        "ReadingUnits",
        "Reading",
        "PhysicalContext",
        "ReadingRangeMax",
        "RelatedItem",
        "Status",
        "Thresholds",
        "UpperCritical",
    ]
)
JSON = st.recursive(
    st.none() | st.floats() | st.sampled_from(["Power", "W", "Total Power", "PSU1 In", CHASSIS]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=7),
    max_leaves=20,
)


@given(st.lists(JSON, max_size=4))
def test_any_list_of_resources_gives_sensors_or_a_doubt(documents: list[Any]) -> None:
    try:
        found = choose_sensors(documents, OWN).sensors
    except NotNamedError as doubt:
        assert str(doubt).isprintable()
        return
    for each in found:
        try:
            assert total_of("x")([each], "S")
        except ReadError as error:
            assert error.reason in (Reason.SENSOR_UNREADABLE, Reason.BAD_REPLY)


NUMBERED = ["Node1_Power", "Node 2 Power", "Blade3 Power", "Sys1_Power", "server-2 power"]


@pytest.mark.parametrize("node", NUMBERED)
@pytest.mark.parametrize("total", ["Total_Power", "System Power", "Chassis Total Power"])
def test_a_node_with_a_number_is_one_of_several_and_a_total_beside_it_a_doubt(
    total: str, node: str
) -> None:
    with pytest.raises(NotNamedError):
        chosen(sensor(node, 450), sensor("CPU0_Power", 50))
    with pytest.raises(NotNamedError, match="several sensors may be the total"):
        chosen(sensor(total, 900), sensor(node, 450))
    controls = [{"Name": name, "PowerConsumedWatts": 450} for name in (total, node)]
    with pytest.raises(NotNamedError, match="several that may be the total"):
        power_control(OWN)([{"PowerControl": controls}], "P")
    related = {"RelatedItem": [{"@odata.id": CHASSIS}]}
    assert chosen(sensor(total, 900, **related), sensor(node, 450)) == [total]


def test_a_total_may_be_related_to_the_chassis_inside_the_machine() -> None:
    inside = [f"{CHASSIS}_GPUs", f"{CHASSIS}_Riser"]
    about = {"RelatedItem": [{"@odata.id": path} for path in (CHASSIS, *inside)]}
    with pytest.raises(NotNamedError):
        chosen(sensor("Total Power", 5400, **about))
    machine = OWN._replace(inside=frozenset(inside))
    found = choose_sensors([sensor("Total Power", 5400, **about)], machine).sensors
    assert [each["Reading"] for each in found] == [5400]
    with pytest.raises(NotNamedError):
        choose_sensors([sensor("x", 1, RelatedItem=about["RelatedItem"][1:])], machine)
