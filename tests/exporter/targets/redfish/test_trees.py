"""Whole trees of many makers: each gives the machine's watts, or says what it has instead."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from rackwatt_exporter.reading import Members, ReadError, Reason
from tests.exporter.targets.redfish.tree import (
    DATA,
    FORBIDDEN,
    ROOT,
    Tree,
    collection,
    machine,
    searched,
    sensors,
    tree,
)

CHASSIS = f"{ROOT}/Chassis/1"
CONTROL = {
    "PowerControl": [
        {
            "Name": "System Power Control",
            "PowerConsumedWatts": 300,
            "RelatedItem": [{"@odata.id": f"{ROOT}/Systems/1"}],
        }
    ]
}


async def error_of(served: Tree, **options: Any) -> ReadError:
    with pytest.raises(ReadError) as raised:
        await searched(served.source(**options))
    assert str(raised.value).isprintable()
    return raised.value


@pytest.mark.parametrize(
    ("name", "watts", "source"),
    [
        ("inspur", 437, "Chassis/1/Power#Oem/Public/TotalPower"),
        ("huawei", 243, "Chassis/1/Power#PowerSupplies/Oem/Huawei/PowerInputWatts"),
        ("xfusion", 305, "Chassis/1/Power#PowerSupplies/Oem/xFusion/PowerInputWatts"),
        (
            "fujitsu",
            163,
            "Chassis/0/Power#Oem/ts_fujitsu/ChassisPowerConsumption/CurrentPowerConsumptionW",
        ),
        ("huawei-power-control", 236, "Chassis/1/Power#PowerControl/0"),
        ("lenovo", 257, "Chassis/1/Power#PowerControl/0"),
        ("lenovo-d2", 171, "Chassis/1/Power#PowerControl/0"),
        ("nec-ilo5", 174, "Chassis/1/Power#PowerControl/0"),
        ("cisco", 266, "Chassis/1/Power#PowerControl/0"),
        (
            "openbmc-supplies",
            608.5,
            "Chassis/chassis/Sensors/power_ps0_input_power"
            "+Chassis/chassis/Sensors/power_ps1_input_power",
        ),
        ("total-among-parts", 409, "Chassis/1/Sensors/Total_Power"),
        (
            "total-with-thresholds",
            224,
            "Chassis/System.Embedded.1/Sensors/SystemBoardPwrConsumption",
        ),
        ("gb300-sensors", 1204.25, "Chassis/Chassis_0/Sensors/Chassis_0_TotalHSC_Power_0"),
        ("two-totals", 1840, "Chassis/1/Sensors/System_Power"),
        ("data-source-uri", 521.5, "Chassis/1/Sensors/ChassisPower"),
        ("gb200-tray", 1191.25, "Chassis/Chassis_0/EnvironmentMetrics#PowerWatts"),
        ("rack-pdu", 5320, "PowerEquipment/RackPDUs/1/Metrics#PowerWatts"),
    ],
)
async def test_a_tree_is_read_where_its_total_is(name: str, watts: float, source: str) -> None:
    reading = await tree(name).source().read()
    assert (reading.watts, reading.source) == (watts, source)


VENDORS = ["fujitsu", "inspur", "huawei", "huawei-power-control", "xfusion", "lenovo", "nec-ilo5"]


@pytest.mark.parametrize(
    "kind", ["RackMount", "Rack", "StandAlone", "Enclosure", "Other", "", None]
)
@pytest.mark.parametrize("name", VENDORS)
async def test_a_vendors_tree_reads_with_any_type_of_a_whole_machine(
    name: str, kind: str | None
) -> None:
    expected = (await tree(name).source().read()).watts
    served = tree(name)
    for path in served.resources:
        if path.startswith(f"{ROOT}/Chassis/") and path.count("/") == CHASSIS.count("/"):
            served.resources[path] = {**served.resources[path], "ChassisType": kind}
    assert (await searched(served.source())).watts == expected


async def test_an_enclosure_whose_control_is_called_server_is_read_where_it_is_named() -> None:
    assert (await searched(tree("lenovo-d2").source(chassis="2"))).watts == 688


def test_every_tree_has_its_source_in_the_readme() -> None:
    readme = (DATA / "README.md").read_text()
    assert [path.name for path in DATA.glob("*.json") if f"`{path.stem}`" not in readme] == []


async def test_a_power_shelf_is_the_sum_of_its_supplies() -> None:
    reading = await tree("power-shelf").source().read()
    assert reading.watts == 2100.5 + 2101.5 + 2102.5
    assert reading.members == Members(3, 3)


async def test_a_pdus_energy_comes_along() -> None:
    assert (await tree("rack-pdu").source().read()).joules == 40210 * 3_600_000


async def test_one_of_several_pdus_is_chosen_by_its_id() -> None:
    error = await error_of(tree("two-rack-pdus"))
    assert error.reason is Reason.NO_POWER_SENSOR
    assert "redfish.chassis; there are: A, B" in str(error)
    assert (await tree("two-rack-pdus").source(chassis="B").read()).watts == 2710
    assert "A, B" in str(await error_of(tree("two-rack-pdus"), chassis="C"))


async def test_a_chassis_by_name_is_off_where_the_system_that_names_it_is() -> None:
    served = Tree(machine(ChassisType="Sled") | {f"{CHASSIS}/Power": CONTROL})
    system = served.resources[f"{ROOT}/Systems/1"]
    assert (await searched(served.source(chassis="1"))).watts == 300
    system["PowerState"] = "Off"
    assert (await error_of(served, chassis="1")).reason is Reason.POWERED_OFF


async def test_supplies_asleep_are_unreadable_and_named() -> None:
    error = await error_of(tree("supply-asleep"))
    assert error.reason is Reason.SENSOR_UNREADABLE
    assert "Power Supply 2" in str(error)
    assert "Power Supply 3" in str(error)
    assert error.members == Members(4, 2)


async def test_parts_named_total_are_no_machine_and_are_listed() -> None:
    error = await error_of(tree("parts-named-total"))
    assert error.reason is Reason.NO_POWER_SENSOR
    for word in ("CPU_Total_Power", "HDD_Power", "PCIE1_Power_Consumption", "redfish.sensors"):
        assert word in str(error)


async def test_a_total_with_a_limit_that_a_part_exceeds_is_a_reason_that_names_both() -> None:
    error = await error_of(tree("limited-total"))
    assert error.reason is Reason.NO_POWER_SENSOR
    for said in ("GPU0_Power draws 402 W", "'Total_Power (200 W)'", "redfish.sensors"):
        assert said in str(error)


async def test_a_total_with_limits_is_believed_after_a_few_requests_for_parts() -> None:
    cpus = [f"CPU{n}_Power" for n in range(90)]
    served = Tree(machine() | sensors(*cpus) | sensors("Total_Power", *cpus, watts=2000))
    served.resources[f"{CHASSIS}/Sensors/Total_Power"]["ReadingRangeMax"] = 3000
    assert (await searched(served.source())).source == "Chassis/1/Sensors/Total_Power"
    assert sum("CPU" in path for path in served.requests) == 8


async def test_parts_that_are_listed_whole_are_all_held_against_a_totals_limit() -> None:
    cpus = [f"CPU{n}_Power" for n in range(90)]
    served = Tree(machine() | sensors(*cpus, "Total_Power", watts=50))
    base = f"{CHASSIS}/Sensors"
    served.resources[f"{base}/Total_Power"]["ReadingRangeMax"] = 127.5
    served.resources[f"{base}/CPU89_Power"]["Reading"] = 128
    whole = [served.resources.pop(f"{base}/{name}") for name in (*cpus, "Total_Power")]
    served.resources[base] = {"Members": whole}
    assert "CPU89_Power draws 128 W" in str(await error_of(served))
    assert served.requests.count(base) == 1


@pytest.mark.parametrize(
    ("name", "options", "watts"),
    [
        ("parts-named-total", {"sensors": ("CPU_Total_Power",)}, 187),
        ("parts-named-total", {"sensors": ("CPU_Total_Power", "HDD_Power")}, 227),
        ("openbmc-supplies", {"sensors": ("ps0 input power", "power_ps1_input_power")}, 608.5),
        ("limited-total", {"sensors": ("Total_Power",)}, 88),
        ("lenovo", {"sensors": ("CPU Sub-system Power", "Memory Sub-system Power")}, 159),
        (
            "gb200-tray",
            {"chassis": "PDB_0", "sensors": ("PDB_0_HSC_0_Pwr_0", "PDB 0 HSC 1 Pwr 0")},
            1199,
        ),
    ],
)
async def test_the_sum_may_be_named_by_hand(
    name: str, options: dict[str, Any], watts: float
) -> None:
    reading = await tree(name).source(**options).read()
    assert reading.watts == watts


async def test_halves_of_a_machine_are_no_whole_and_are_listed() -> None:
    error = await error_of(tree("gb200-tray"), chassis="PDB_0")
    assert error.reason is Reason.NO_POWER_SENSOR
    assert "PDB 0 HSC 0 Pwr 0" in str(error)
    assert "Chassis_0" in str(error)


async def test_a_name_that_is_not_there_is_an_error_with_those_that_are() -> None:
    error = await error_of(tree("total-among-parts"), sensors=("Totl_Power",))
    assert error.reason is Reason.NO_POWER_SENSOR
    assert "there are: CPU_Total_Power, DIMM_Total_Power, Total_Power" in str(error)


async def test_a_sum_by_hand_of_which_one_is_not_there_is_a_member_missing() -> None:
    error = await error_of(tree("total-among-parts"), sensors=("CPU_Total_Power", "GPU"))
    assert error.reason is Reason.MEMBER_MISSING
    assert error.members == Members(2, 1)


async def test_two_sensors_of_the_name_given_are_a_doubt() -> None:
    served = Tree(machine() | sensors("A", "B"))
    for name in "AB":
        served.resources[f"{CHASSIS}/Sensors/{name}"]["Name"] = "Input"
    assert "Sensors/A" in str(await error_of(served, sensors=("Input",)))
    assert (await served.source(sensors=("A", "B")).read()).watts == 200


@pytest.mark.parametrize(
    "names", [("A", "A"), ("A", "Input"), ("Input", "A"), ("Input", "A", "Input")]
)
async def test_a_sensor_that_is_named_twice_counts_once(names: tuple[str, ...]) -> None:
    served = Tree(machine() | sensors("A", "B"))
    served.resources[f"{CHASSIS}/Sensors/A"]["Name"] = "Input"
    reading = await served.source(sensors=names).read()
    assert (reading.watts, reading.source) == (100, "Chassis/1/Sensors/A")
    reading = await served.source(sensors=(*names, "B")).read()
    assert (reading.watts, reading.members) == (200, Members(2, 2))


def of_supply(path_id: str, name: str, watts: float = 100) -> dict[str, Any]:
    base = f"{CHASSIS}/Sensors/{path_id}"
    about = {"Id": path_id, "Name": name, "ReadingType": "Power", "Reading": watts}
    return {base: {"@odata.id": base, **about, "PhysicalContext": "PowerSupply"}}


@pytest.mark.parametrize("second", ["Second_In", "Feeder", "Part Seven"])
async def test_a_supply_whose_id_does_not_look_like_power_is_counted(second: str) -> None:
    served = Tree(machine() | sensors("PSU1_In", second, "Inlet_Temp"))
    served.resources |= of_supply("PSU1_In", "PSU1 Input Power")
    served.resources |= of_supply(second, "PSU2 Input Power", 120)
    served.resources[f"{CHASSIS}/Sensors/Inlet_Temp"]["ReadingType"] = "Temperature"
    reading = await served.source().read()
    assert (reading.watts, reading.members) == (220, Members(2, 2))


@pytest.mark.parametrize("total", ["MainFeed", "Gauge", "Part One"])
async def test_a_total_whose_id_does_not_look_like_power_is_found(total: str) -> None:
    served = Tree(machine() | sensors("PSU1_Input_Power", total, watts=400))
    served.resources |= of_supply("PSU1_Input_Power", "PSU1 Input Power", 190)
    about = {"Name": "Total Power", "PhysicalContext": "Chassis"}
    served.resources[f"{CHASSIS}/Sensors/{total}"] |= about
    assert (await served.source().read()).watts == 400


@pytest.mark.parametrize(
    ("refusal", "reason"),
    [
        (None, Reason.SENSOR_UNREADABLE),
        ({"!status": 500}, Reason.BAD_REPLY),
        ({"!status": 403}, Reason.PRIVILEGE_INSUFFICIENT),
    ],
)
async def test_a_supply_sensor_that_is_listed_and_does_not_answer_is_no_empty_bay(
    refusal: dict[str, int] | None, reason: Reason
) -> None:
    served = Tree(machine() | sensors("PSU1_Input_Power", "PSU2_Input_Power", "Inlet"))
    for part in ("PSU2_Input_Power", "Inlet"):
        served.resources[f"{CHASSIS}/Sensors/{part}"] = refusal
    error = await error_of(served)
    assert error.reason is reason
    assert "PSU2_Input_Power" in str(error)


async def test_a_sum_of_supplies_is_not_believed_before_all_sensors_are_looked_into() -> None:
    parts = [f"Part {n}" for n in range(200)]
    served = Tree(machine() | sensors("PSU1_Input_Power", *parts, "Gauge"))
    for part in parts:
        served.resources[f"{CHASSIS}/Sensors/{part}"]["ReadingType"] = "Temperature"
    served.resources |= of_supply("PSU1_Input_Power", "PSU1 Input Power")
    served.resources |= of_supply("Gauge", "PSU2 Input Power")
    source = served.source()
    with pytest.raises(ReadError, match="search for watts continues"):
        await source.read()
    assert (await searched(source)).members == Members(2, 2)


async def test_two_power_controls_of_the_name_given_are_none_of_them() -> None:
    served = tree("lenovo")
    served.resources[f"{CHASSIS}/Power"]["PowerControl"][2]["Name"] = "CPU Sub-system Power"
    error = await error_of(served, sensors=("CPU Sub-system Power",))
    assert error.reason is Reason.NO_POWER_SENSOR


async def test_a_list_of_sensors_is_read_to_its_last_page() -> None:
    base = f"{CHASSIS}/Sensors"
    parts = [f"CPU{n}_Power" for n in range(90)]
    served = Tree(machine() | sensors(*parts) | sensors("Total_Power", listed=f"{base}?page=2"))
    served.resources[base]["Members@odata.nextLink"] = f"{base}?page=2"
    reading = await served.source().read()
    assert reading.source == "Chassis/1/Sensors/Total_Power"
    assert not any("CPU" in path for path in served.requests)


async def test_a_list_without_an_end_comes_to_an_end() -> None:
    base = f"{CHASSIS}/Sensors"
    served = Tree(machine() | {base: collection(f"{base}/CPU_Power", following=base)})
    assert (await error_of(served)).reason is Reason.NO_POWER_SENSOR


async def test_more_sensors_than_one_try_may_ask_for_are_read_in_several() -> None:
    named = [f"0x{n:02x}" for n in range(150)]
    served = Tree(machine() | sensors(*named))
    served.resources[f"{CHASSIS}/Sensors/0x95"]["Name"] = "Total Power"
    source = served.source()
    with pytest.raises(ReadError, match="search for watts continues") as raised:
        await source.read()
    assert raised.value.reason is Reason.SEARCHING
    assert (await searched(source)).source == "Chassis/1/Sensors/0x95"
    again = {path for path in served.requests if served.requests.count(path) > 1}
    assert again == {f"{ROOT}/Systems/1", f"{CHASSIS}/Sensors/0x95"}  # the state, the total


async def test_supplies_metrics_may_refer_to_sensors() -> None:
    base = f"{CHASSIS}/PowerSubsystem"
    supplies = [f"{base}/PowerSupplies/{n}" for n in range(2)]
    served = Tree(machine() | sensors("PSU0", "PSU1"))
    served.resources[base] = {"PowerSupplies": {"@odata.id": f"{base}/PowerSupplies"}}
    served.resources[f"{base}/PowerSupplies"] = collection(*supplies)
    for n, path in enumerate(supplies):
        excerpt = {"DataSourceUri": f"{CHASSIS}/Sensors/PSU{n}"}
        served.resources[path] = {"@odata.id": path, "Name": f"PSU{n}"}
        served.resources[f"{path}/Metrics"] = {"InputPowerWatts": excerpt}
    reading = await served.source().read()
    assert (reading.watts, reading.members) == (200, Members(2, 2))


def in_subsystem(*states: str) -> dict[str, Any]:
    base = f"{CHASSIS}/PowerSubsystem"
    paths = [f"{base}/PowerSupplies/{n}" for n in range(1, len(states) + 1)]
    resources: dict[str, Any] = {base: {"PowerSupplies": {"@odata.id": f"{base}/PowerSupplies"}}}
    resources[f"{base}/PowerSupplies"] = collection(*paths)
    for n, (path, state) in enumerate(zip(paths, states, strict=True), 1):
        resources[path] = {"@odata.id": path, "Name": f"PSU{n}", "Status": {"State": state}}
    return resources


def in_power(*states: str) -> dict[str, Any]:
    listed = [{"Name": f"PSU{n}", "Status": {"State": s}} for n, s in enumerate(states, 1)]
    return {f"{CHASSIS}/Power": {"PowerSupplies": listed}}


@pytest.mark.parametrize("where", [in_subsystem, in_power])
@pytest.mark.parametrize("second", ["Enabled", "StandbySpare", "UnavailableOffline"])
async def test_a_supply_without_a_sensor_is_no_part_of_a_sum_of_the_others(
    where: Callable[..., dict[str, Any]], second: str
) -> None:
    served = Tree(machine() | sensors("PSU1_Input_Power") | where("Enabled", second))
    error = await error_of(served)
    assert error.reason is Reason.NO_POWER_SENSOR
    for said in ("'PSU1", "'PSU2", "redfish.sensors"):
        assert said in str(error)
    assert (await served.source(sensors=("PSU1_Input_Power",)).read()).watts == 100


@pytest.mark.parametrize("named", ["PowerInputWatts", "LastPowerOutputWatts"])
@pytest.mark.parametrize("second", ["Enabled", "StandbyOffline", "UnavailableOffline"])
async def test_a_sum_in_power_is_none_if_the_subsystem_lists_more_supplies(
    named: str, second: str
) -> None:
    served = Tree(machine() | in_power("Enabled") | in_subsystem("Enabled", second))
    served.resources[f"{CHASSIS}/Power"]["PowerSupplies"][0][named] = 300
    error = await error_of(served)
    assert error.reason is Reason.NO_POWER_SENSOR
    assert "Power has only 1 of the supplies 'PSU1', 'PSU2'" in str(error)
    served.resources |= in_subsystem("Enabled", "Absent")
    assert (await served.source().read()).watts == 300


@pytest.mark.parametrize("asleep", [None, 0, 65535])
async def test_a_total_is_found_beside_supplies_in_power_that_are_asleep(asleep: Any) -> None:
    served = Tree(machine() | in_power("Enabled", "Sleep") | sensors("Total_Power", watts=400))
    for supply in served.resources[f"{CHASSIS}/Power"]["PowerSupplies"]:
        supply["PowerInputWatts"] = asleep
    assert (await served.source().read()).watts == 400


@pytest.mark.parametrize("where", [in_subsystem, in_power])
async def test_an_empty_bay_needs_no_sensor(where: Callable[..., dict[str, Any]]) -> None:
    served = Tree(machine() | sensors("PSU1_Input_Power") | where("Enabled", "Absent"))
    assert (await served.source().read()).watts == 100


async def test_a_listed_supply_that_cannot_be_read_needs_a_sensor_too() -> None:
    served = Tree(machine() | sensors("PSU1_Input_Power") | in_subsystem("Enabled", "Enabled"))
    del served.resources[f"{CHASSIS}/PowerSubsystem/PowerSupplies/2"]
    assert "only 1 has a sensor of its input" in str(await error_of(served))
    served.resources |= sensors("PSU1_Input_Power", "PSU2_Input_Power")
    assert (await searched(served.source())).watts == 200


def with_metrics(second: str) -> dict[str, Any]:
    supplies = in_subsystem("Enabled", second)
    for n in (1, 2):
        path = f"{CHASSIS}/PowerSubsystem/PowerSupplies/{n}/Metrics"
        supplies[path] = {"InputPowerWatts": {"Reading": 100.0 * n}}
    return supplies


@pytest.mark.parametrize("state", ["UnavailableOffline", "Starting", "Updating"])
async def test_metrics_of_a_supply_that_does_not_work_are_not_read(state: str) -> None:
    served = Tree(machine() | with_metrics(state))
    source = served.source()
    for _ in range(2):
        with pytest.raises(ReadError, match=state) as raised:
            await source.read()
        assert raised.value.reason is Reason.SENSOR_UNREADABLE
    served.resources |= with_metrics("Enabled")
    for _ in range(2):
        with suppress(ReadError):
            await source.read()
    assert (await source.read()).watts == 300


@pytest.mark.parametrize(("state", "watts"), [("StandbySpare", 300), ("Disabled", 100)])
async def test_metrics_count_of_a_supply_that_waits_and_not_of_one_out_of_service(
    state: str, watts: float
) -> None:
    assert (await Tree(machine() | with_metrics(state)).source().read()).watts == watts


@pytest.mark.parametrize("state", ["Disabled", "UnavailableOffline", "Starting"])
async def test_metrics_of_a_sensor_that_does_not_work_are_unreadable(state: str) -> None:
    served = Tree(machine() | sensors("Total_Power"))
    sensor = f"{CHASSIS}/Sensors/Total_Power"
    served.resources[sensor]["Status"] = {"State": state}
    excerpt = {"DataSourceUri": sensor, "Reading": 100}
    served.resources[f"{CHASSIS}/EnvironmentMetrics"] = {"PowerWatts": excerpt}
    error = await error_of(served)
    assert error.reason is Reason.SENSOR_UNREADABLE
    assert state in str(error)


@pytest.mark.parametrize("part", ["CPU1Power", "HBM_Power", "VRM", "Slot3", "Heater_Watts"])
async def test_metrics_of_a_part_are_not_the_machines(part: str) -> None:
    served = tree("data-source-uri")
    excerpt = {"DataSourceUri": f"{CHASSIS}/Sensors/{part}", "Reading": 60}
    served.resources[f"{CHASSIS}/EnvironmentMetrics"]["PowerWatts"] = excerpt
    error = await error_of(served)
    assert error.reason is Reason.NO_POWER_SENSOR
    assert part in str(error)


def with_excerpt(identity: str, **about: Any) -> Tree:
    """Serve metrics of a chassis that refer to one sensor."""
    served = Tree(machine() | sensors(identity, watts=88))
    sensor = f"{CHASSIS}/Sensors/{identity}"
    served.resources[sensor] |= about
    excerpt = {"DataSourceUri": sensor, "Reading": 88}
    served.resources[f"{CHASSIS}/EnvironmentMetrics"] = {"PowerWatts": excerpt}
    return served


@pytest.mark.parametrize("identity", ["12", "power", "0x1f", "Total_Power", "3f2a8c1e9b7d4f60"])
@pytest.mark.parametrize(
    "about",
    [
        {"Name": "CPU0 Power", "PhysicalContext": "CPU"},
        {"Name": "GPU 0 Power"},
        {"Name": "Power", "PhysicalContext": "GPU"},
        {"Name": "Power", "RelatedItem": [{"@odata.id": f"{CHASSIS}/Drives/1"}]},
        {"Name": "Power", "PhysicalContext": "PowerSupply"},
        {"Name": "Total Power", "RelatedItem": [{"@odata.id": f"{ROOT}/Systems/2"}]},
    ],
)
async def test_metrics_of_a_part_are_not_the_machines_whatever_its_id(
    identity: str, about: dict[str, Any]
) -> None:
    error = await error_of(with_excerpt(identity, **about))
    assert error.reason is Reason.NO_POWER_SENSOR
    assert f"the metrics are those of sensor '{identity} ({about['Name']})'" in str(error)


@pytest.mark.parametrize("identity", ["12", "power", "Total_Power"])
@pytest.mark.parametrize("name", ["Power", "Total Power", "Chassis Power Consumption"])
async def test_metrics_of_a_sensor_with_a_plain_name_are_the_machines(
    identity: str, name: str
) -> None:
    assert (await with_excerpt(identity, Name=name).source().read()).watts == 88


@pytest.mark.parametrize(
    ("identity", "known"), [("12", False), ("power", False), ("CPU1", False), ("ChassisPwr", True)]
)
async def test_metrics_of_a_sensor_that_cannot_be_read_need_its_id_to_say_the_whole(
    identity: str, known: bool
) -> None:
    served = with_excerpt(identity)
    served.resources[f"{CHASSIS}/Sensors/{identity}"] = None
    if known:
        assert (await served.source().read()).watts == 88
    else:
        assert f"sensor '{identity}'" in str(await error_of(served))


@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"ReadingUnits": "kW"}, "in kW"),
        ({"ReadingUnits": "mW"}, "in mW"),
        ({"ReadingType": "Percent", "ReadingUnits": "%"}, "in %"),
        ({"ReadingType": "Temperature", "ReadingUnits": None}, "in Temperature"),
    ],
)
@pytest.mark.parametrize("identity", ["12", "Total_Power"])
async def test_metrics_of_a_sensor_in_other_units_are_not_watts(
    identity: str, about: dict[str, Any], said: str
) -> None:
    error = await error_of(with_excerpt(identity, Name="Total Power", **about))
    assert error.reason is Reason.NO_POWER_SENSOR
    assert f"sensor '{identity} (Total Power) {said}'" in str(error)


async def test_metrics_of_a_sensor_that_the_tree_says_is_of_the_chassis_are_the_machines() -> None:
    served = tree("data-source-uri")
    sensor = f"{CHASSIS}/Sensors/MainFeed"
    excerpt = {"DataSourceUri": sensor, "Reading": 60}
    served.resources[f"{CHASSIS}/EnvironmentMetrics"]["PowerWatts"] = excerpt
    served.resources[sensor] = {"Id": "MainFeed", "PhysicalContext": "Chassis"}
    assert (await served.source().read()).watts == 60


async def test_a_service_without_anything_says_so() -> None:
    error = await error_of(Tree({}))
    assert error.reason is Reason.NO_POWER_SENSOR
    assert "neither a chassis nor a PDU" in str(error)
    assert "none" not in str(error)


async def test_sensors_of_power_whose_ids_say_nothing_are_named() -> None:
    error = await error_of(Tree(machine() | sensors(*(f"Part {n}" for n in range(60)))))
    assert "sensors of power are 'Part 0', 'Part 1'" in str(error)
    assert "and 48 more" in str(error)
    assert "neither" not in str(error)


@pytest.mark.parametrize("identity", ["Total_Power", "Gauge"])
async def test_a_unit_that_is_not_known_is_named(identity: str) -> None:
    served = Tree(machine() | sensors(identity))
    served.resources[f"{CHASSIS}/Sensors/{identity}"] |= {"ReadingUnits": "kW"}
    assert f"{identity} in kW" in str(await error_of(served))


async def test_what_a_user_may_not_see_is_the_privilege() -> None:
    served = Tree(machine() | {f"{CHASSIS}/Power": FORBIDDEN})
    assert (await error_of(served)).reason is Reason.PRIVILEGE_INSUFFICIENT


async def test_names_that_cannot_be_printed_are_shown_without_harm() -> None:
    served = Tree(machine() | sensors("Total_Power"))
    sensor = served.resources[f"{CHASSIS}/Sensors/Total_Power"]
    sensor["Name"] = "CPU\x1b[31m\n\u202e Power" + "x" * 500
    assert "CPU?[31m??" in str(await error_of(served))
    sensor["Reading"] = "\x00"
    error = await error_of(served, sensors=("Total_Power",))
    assert error.reason is Reason.BAD_REPLY
    assert "no number" in str(error)


async def test_a_chassis_without_watts_is_not_named_to_be_replaced_by_itself() -> None:
    error = await error_of(Tree(machine()))
    assert error.reason is Reason.NO_POWER_SENSOR
    assert str(error).endswith("sensor of power), and there is no other chassis")
    assert "redfish.chassis" not in str(error)
    assert "method: ipmi" in (error.remedy or "")


async def test_the_chassis_that_were_searched_are_not_among_those_to_name() -> None:
    other = f"{ROOT}/Chassis/Riser"
    tree = machine() | {f"{ROOT}/Chassis": collection(CHASSIS, other), other: {"Id": "Riser"}}
    assert "redfish.chassis; there are: Riser" in str(await error_of(Tree(tree)))


async def test_parts_alone_have_the_advice_to_sum_them_and_no_chassis_to_name() -> None:
    error = await error_of(Tree(machine() | sensors("CPU_Total_Power", "DIMM_Total_Power")))
    assert str(error).endswith("): name the sensors to sum in redfish.sensors")
