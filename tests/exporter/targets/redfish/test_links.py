"""Links that lead out of the machine: an enclosure's watts are never those of one node."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.reading import Members, ReadError, Reason
from tests.exporter.targets.redfish.tree import ROOT, Tree, collection, link, machine, searched

CHASSIS, ENCLOSURE = f"{ROOT}/Chassis/1", f"{ROOT}/Chassis/Enc"
CONTROLS = {"PowerControl": [{"Name": "Chassis Power Control", "PowerConsumedWatts": 4000}]}
SYSTEMS = [link(f"{ROOT}/Systems/{n}") for n in (1, 2, 3, 4)]


async def error_of(resources: dict[str, Any], **options: Any) -> str:
    with pytest.raises(ReadError) as raised:
        await searched(Tree(resources).source(**options))
    assert raised.value.reason is Reason.NO_POWER_SENSOR
    return str(raised.value)


def metrics(at: str, **excerpt: Any) -> dict[str, Any]:
    return {f"{at}/EnvironmentMetrics": {"PowerWatts": {"Reading": 4100, **excerpt}}}


def subsystem(at: str, *names: str, **supply: Any) -> dict[str, Any]:
    listed = f"{at}/PowerSubsystem/PowerSupplies"
    resources: dict[str, Any] = {f"{at}/PowerSubsystem": {"PowerSupplies": link(listed)}}
    resources[listed] = collection(*(f"{listed}/{name}" for name in names))
    for name in names:
        resources[f"{listed}/{name}"] = {"Name": name, **supply}
        resources[f"{listed}/{name}/Metrics"] = {"InputPowerWatts": {"Reading": 1100}}
    return resources


def sensor(at: str, name: str) -> dict[str, Any]:
    path = f"{at}/Sensors/{name}"
    about = {"Id": name, "Name": name, "ReadingType": "Power", "Reading": 4100}
    return {f"{at}/Sensors": collection(path), path: {**link(path), **about}}


def with_supplies_of(at: str) -> dict[str, Any]:
    supplies = subsystem(at, "A", "B")
    supplies[f"{CHASSIS}/PowerSubsystem"] = supplies[f"{at}/PowerSubsystem"]
    return supplies


BLADES: dict[str, tuple[str, dict[str, Any]]] = {
    "Power": ("Power", {f"{ENCLOSURE}/Power": CONTROLS}),
    "EnvironmentMetrics": ("EnvironmentMetrics", metrics(ENCLOSURE)),
    "PowerSubsystem": ("PowerSubsystem", subsystem(ENCLOSURE, "A")),
    "Sensors": ("Sensors", sensor(ENCLOSURE, "Total_Power")),
    "PowerSupplies": ("", with_supplies_of(ENCLOSURE)),
    "DataSourceUri": (
        "",
        sensor(ENCLOSURE, "Total_Power")
        | metrics(CHASSIS, DataSourceUri=f"{ENCLOSURE}/Sensors/Total_Power"),
    ),
}


@pytest.mark.parametrize("kind", ["Blade", "Sled", "RackMount"])
@pytest.mark.parametrize("linked", BLADES)
async def test_watts_that_a_node_links_to_in_its_enclosure_are_not_its_own(
    linked: str, kind: str
) -> None:
    name, resources = BLADES[linked]
    links = {name: link(f"{ENCLOSURE}/{name}")} if name else {}
    node = machine(ChassisType=kind, **links)
    error = await error_of(node | resources)
    doubts = ["'Chassis/Enc/"]
    if kind != "RackMount":  # whose own sensors and supplies would be a doubt too
        doubts += ["others may share the supplies", "or of the one around it"]
    assert any(doubt in error for doubt in doubts)
    node[ENCLOSURE] = {**link(ENCLOSURE), "Id": "Enc", "ChassisType": "Enclosure"}
    node[f"{ROOT}/Chassis"] = collection(CHASSIS, ENCLOSURE)
    assert "redfish.chassis; there are: Enc" in await error_of(node | resources)


async def test_a_mean_that_a_node_links_to_in_its_enclosure_is_not_its_own() -> None:
    average = {"PowerMetrics": {"AverageConsumedWatts": 3900}}
    node = machine(ChassisType="Blade", Power=link(f"{ENCLOSURE}/Power"))
    node[f"{ENCLOSURE}/Power"] = {"PowerControl": [average]}
    with pytest.raises(ReadError) as raised:
        await searched(Tree(node).source(value="average"))
    assert raised.value.reason is Reason.NO_POWER_SENSOR


async def test_an_enclosure_that_the_settings_choose_is_read_by_its_own_links() -> None:
    links = {"Power": link(f"{ENCLOSURE}/Power/")}
    enclosure = {**link(f"{ENCLOSURE}/"), "Id": "Enc", "ChassisType": "Enclosure", **links}
    served = Tree(machine() | {ENCLOSURE: enclosure, f"{ENCLOSURE}/Power": CONTROLS})
    assert (await served.source(chassis="Enc").read()).watts == 4000


async def test_a_link_into_the_machines_own_system_is_its_own() -> None:
    served = machine(Power=link(f"{ROOT}/Systems/1/Power"))
    served[f"{ROOT}/Systems/1/Power"] = CONTROLS
    assert (await Tree(served).source().read()).watts == 4000


async def test_a_path_that_begins_like_the_chassis_is_of_another_one() -> None:
    served = machine(Power=link(f"{CHASSIS}2/Power")) | {f"{CHASSIS}2/Power": CONTROLS}
    assert "'Chassis/12/Power'" in await error_of(served)


def in_power(**supply: Any) -> dict[str, Any]:
    supplies = [{"Name": name, "PowerInputWatts": 900, **supply} for name in ("PSU1", "PSU2")]
    return {f"{CHASSIS}/Power": {"PowerSupplies": supplies}}


OTHERS: list[dict[str, Any]] = [
    {"RelatedItem": SYSTEMS},
    {"RelatedItem": [link(CHASSIS), link(ENCLOSURE)]},
    {"RelatedItem": [link(ENCLOSURE)]},
    {"Links": {"PoweringChassis": [link(CHASSIS), link(f"{ROOT}/Chassis/2")]}},
]
OURS: list[dict[str, Any]] = [
    {"RelatedItem": [link(f"{CHASSIS}/"), SYSTEMS[0]]},
    {"RelatedItem": [link(f"{CHASSIS}/Power#/Redundancy/0")]},
    {"RelatedItem": [], "Links": {"PoweringChassis": [link(CHASSIS)]}},
    {"RelatedItem": None, "Links": {"PoweringChassis": [{}, None]}},
]


@pytest.mark.parametrize("about", OTHERS)
async def test_supplies_that_feed_others_too_are_not_the_machines(about: dict[str, Any]) -> None:
    said = "other chassis or systems share the supplies"
    assert f"{said} 'PSU1', 'PSU2'" in await error_of(machine() | in_power(**about))
    outputs = in_power(PowerInputWatts=None, LastPowerOutputWatts=800, **about)
    for supply in outputs[f"{CHASSIS}/Power"]["PowerSupplies"]:
        del supply["PowerInputWatts"]
    assert said in await error_of(machine() | outputs)
    assert f"{said} 'A'" in await error_of(machine() | subsystem(CHASSIS, "A", **about))


@pytest.mark.parametrize("about", OURS)
async def test_supplies_that_feed_the_machine_alone_are_its_own(about: dict[str, Any]) -> None:
    reading = await Tree(machine() | in_power(**about)).source().read()
    assert (reading.watts, reading.members) == (1800, Members(2, 2))
    reading = await Tree(machine() | subsystem(CHASSIS, "A", **about)).source().read()
    assert (reading.watts, reading.members) == (1100, Members(1, 1))


def sensors_of_supplies(**about: Any) -> dict[str, Any]:
    sensors = sensor(CHASSIS, "PSU1_Input_Power") | sensor(CHASSIS, "PSU2_Input_Power")
    listed = [path for path in sensors if path != f"{CHASSIS}/Sensors"]
    sensors = {path: sensors[path] | about for path in listed}
    return sensors | {f"{CHASSIS}/Sensors": collection(*listed)}


def outputs(**about: Any) -> dict[str, Any]:
    supplies = [{"Name": n, "LastPowerOutputWatts": 900, **about} for n in ("PSU1", "PSU2")]
    return {f"{CHASSIS}/Power": {"PowerSupplies": supplies}}


def supplies_of_power(**about: Any) -> dict[str, Any]:
    return subsystem(CHASSIS, "A", "B", **about)


SUMS = [in_power, outputs, supplies_of_power, sensors_of_supplies]
PLUGGED = st.sampled_from(["Blade", "Sled", "Module", "Card", "Component", "Expansion"])
SAID = st.sampled_from([{}, {"RelatedItem": []}, {"Links": {}}, OTHERS[2], OTHERS[0]])
NAMING = st.sampled_from([{"RelatedItem": [link(CHASSIS)]}, {"RelatedItem": [SYSTEMS[0]]}])


@given(st.sampled_from(SUMS), PLUGGED, SAID)
def test_supplies_within_another_chassis_are_no_sum_unless_they_say_whom_they_feed(
    of: Callable[..., dict[str, Any]], kind: str, said: dict[str, Any]
) -> None:
    error = asyncio.run(error_of(machine(ChassisType=kind) | of(**said)))
    assert "share the supplies" in error
    assert "name the sensors to sum in redfish.sensors" in error


@given(st.sampled_from(SUMS), PLUGGED, NAMING)
def test_supplies_within_another_chassis_that_name_the_node_are_its_own(
    of: Callable[..., dict[str, Any]], kind: str, said: dict[str, Any]
) -> None:
    reading = asyncio.run(searched(Tree(machine(ChassisType=kind) | of(**said)).source()))
    assert reading.members == Members(2, 2)


@pytest.mark.parametrize("kind", ["Blade", "Sled", "Module"])
@pytest.mark.parametrize(
    "oem",
    [
        {"Public": {"TotalPower": 1800}},
        {"ts_fujitsu": {"ChassisPowerConsumption": {"CurrentPowerConsumptionW": 1800}}},
    ],
)
async def test_a_vendors_total_within_another_chassis_may_be_of_that(
    oem: dict[str, Any], kind: str
) -> None:
    power = {f"{CHASSIS}/Power": {"PowerControl": [], "Oem": oem}}
    assert "the total of this chassis, or around it" in await error_of(
        machine(ChassisType=kind) | power
    )
    assert (await searched(Tree(machine() | power).source())).watts == 1800
    of_node = {f"{CHASSIS}/Power": {"PowerConsumedWatts": 180}}
    assert (await searched(Tree(machine(ChassisType=kind) | of_node).source())).watts == 180


async def test_supplies_may_feed_the_chassis_inside_the_one_they_are_in() -> None:
    inside = link(f"{CHASSIS}-GPUs")
    links = {"PoweringChassis": [link(CHASSIS), inside]}
    served = machine(Links={"Contains": [inside]}) | subsystem(CHASSIS, "A", Links=links)
    served[f"{CHASSIS}-GPUs"] = {**inside, "ChassisType": "Module"}
    assert (await Tree(served).source().read()).watts == 1100


@pytest.mark.parametrize("about", OTHERS[:3])
async def test_sensors_of_supplies_that_feed_others_too_are_not_the_machines(
    about: dict[str, Any],
) -> None:
    served = machine() | sensor(CHASSIS, "PSU1_Input_Power")
    served[f"{CHASSIS}/Sensors/PSU1_Input_Power"] |= about
    assert "share the supplies of 'PSU1_Input_Power'" in await error_of(served)


@pytest.mark.parametrize("serial", ["DE1234567", "A1B2C3", "5BXRB0A9DCK1"])
async def test_supplies_of_one_serial_number_are_no_sum(serial: str) -> None:
    error = await error_of(machine() | in_power(SerialNumber=serial))
    assert "several supplies have one serial number: 'PSU1', 'PSU2'" in error
    assert "redfish.sensors" in error


@pytest.mark.parametrize("path", [f"{CHASSIS.lower()}/sensors/totalpower", f"{CHASSIS}/sensors/TP"])
async def test_a_source_in_other_letter_case_is_the_chassis_own(path: str) -> None:
    served = machine() | metrics(CHASSIS, DataSourceUri=path)
    if path.endswith("power"):
        assert (await searched(Tree(served).source())).watts == 4100
    else:
        assert "the metrics are those of sensor 'TP'" in await error_of(served)


@pytest.mark.parametrize("kind", ["Module", "Component", "Card"])
async def test_supplies_may_feed_a_part_that_alone_says_what_it_is_in(kind: str) -> None:
    part = link(f"{CHASSIS}-Board")
    links = {"PoweringChassis": [part]}
    served = machine() | subsystem(CHASSIS, "A", Links=links)
    served[f"{CHASSIS}-Board"] = {
        **part,
        "ChassisType": kind,
        "Links": {"ContainedBy": link(CHASSIS)},
    }
    assert (await searched(Tree(served).source())).watts == 1100


@pytest.mark.parametrize(
    "board",
    [
        {"ChassisType": "Sled", "Links": {"ContainedBy": link(CHASSIS)}},
        {"ChassisType": "Module", "Links": {"ContainedBy": link(ENCLOSURE)}},
        {"ChassisType": "Module"},
    ],
)
async def test_supplies_that_feed_another_node_or_its_parts_are_no_sum(board: Any) -> None:
    links = {"PoweringChassis": [link(CHASSIS), link(f"{ROOT}/Chassis/B")]}
    served = machine(Links={"Contains": [link(f"{CHASSIS}-GPUs")]})
    served |= {f"{CHASSIS}-GPUs": {"ChassisType": "Module"}, f"{ROOT}/Chassis/B": board}
    assert "share the supplies" in await error_of(served | subsystem(CHASSIS, "A", Links=links))
