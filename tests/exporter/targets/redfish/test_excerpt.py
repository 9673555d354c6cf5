"""Excerpts of sensors in a supply's metrics: what the sensor says counts before the excerpt."""

from typing import Any

import pytest

from rackwatt_exporter.reading import Members, ReadError, Reason
from tests.exporter.targets.redfish.tree import ROOT, Tree, collection, link, machine, searched

CHASSIS = f"{ROOT}/Chassis/1"
SUPPLIES = f"{CHASSIS}/PowerSubsystem/PowerSupplies"


def supplies(*sensors: dict[str, Any], reading: float | None = 300) -> Tree:
    """Serve supplies whose metrics have a reading, and refer to these sensors of their input."""
    paths = [f"{SUPPLIES}/{n}" for n in range(len(sensors))]
    resources = machine() | {f"{CHASSIS}/PowerSubsystem": {"PowerSupplies": link(SUPPLIES)}}
    resources[SUPPLIES] = collection(*paths)
    for n, (path, about) in enumerate(zip(paths, sensors, strict=True)):
        sensor = f"{CHASSIS}/Sensors/PSU{n}"
        resources[path] = {**link(path), "Id": str(n)}
        excerpt = {"DataSourceUri": sensor, "Reading": reading}
        resources[f"{path}/Metrics"] = {"InputPowerWatts": excerpt}
        resources[sensor] = {**link(sensor), "Id": f"PSU{n}", "Reading": 310, **about}
    return Tree(resources)


IN_WATTS = {"ReadingType": "Power", "ReadingUnits": "W"}
OTHERS: list[dict[str, Any]] = [
    {"ReadingType": "Power", "ReadingUnits": "kW"},
    {"ReadingType": "Power", "ReadingUnits": "V.A"},
    {"ReadingType": "Percent", "ReadingUnits": "%"},
    {"ReadingUnits": "%"},
    {"ReadingType": "Current"},
]


@pytest.mark.parametrize("reading", [300, 0.3, None])
@pytest.mark.parametrize("other", OTHERS)
async def test_a_supply_whose_sensor_is_not_in_watts_is_a_reason(
    other: dict[str, Any], reading: float | None
) -> None:
    with pytest.raises(ReadError, match="the input of a supply is that of sensor 'PSU1") as raised:
        await searched(supplies(IN_WATTS, other, reading=reading).source())
    assert raised.value.reason is Reason.NO_POWER_SENSOR


@pytest.mark.parametrize("about", [IN_WATTS, {"ReadingType": "Power"}, {}])
async def test_a_supply_whose_sensor_is_in_watts_is_summed_by_its_excerpt(
    about: dict[str, Any],
) -> None:
    reading = await searched(supplies(about, about).source())
    assert (reading.watts, reading.members) == (600, Members(2, 2))


async def test_a_supply_whose_sensor_does_not_work_is_unreadable() -> None:
    offline = IN_WATTS | {"Status": {"State": "UnavailableOffline"}}
    with pytest.raises(ReadError) as raised:
        await searched(supplies(IN_WATTS, offline).source())
    assert (raised.value.reason, raised.value.members) == (
        Reason.SENSOR_UNREADABLE,
        Members(2, 1),
    )


CPU = {"Name": "CPU Sub-system Power", "PowerConsumedWatts": 80}
CONTROLS = {
    "Id": "Power",
    "PowerControl": [
        {"Name": "System Power Control", "PowerConsumedWatts": 410},
        CPU,
        {"Name": "Power Control", "PowerConsumedWatts": 1, "Status": {"State": "Disabled"}},
    ],
    "PowerSupplies": [{"Name": "PSU 1", "PowerInputWatts": 200}],
}


def of_power(pointer: str, reading: float | None = 400) -> Tree:
    """Serve metrics of a chassis that are of a part of its Power."""
    excerpt = {"DataSourceUri": f"{CHASSIS}/Power#{pointer}", "Reading": reading}
    served = machine() | {f"{CHASSIS}/EnvironmentMetrics": {"PowerWatts": excerpt}}
    return Tree(served | {f"{CHASSIS}/Power": CONTROLS})


@pytest.mark.parametrize("pointer", ["/PowerControl/0", "/PowerControl/0/PowerConsumedWatts"])
async def test_metrics_of_the_control_of_the_machine_are_read_there_only_without_a_reading(
    pointer: str,
) -> None:
    assert (
        await of_power(pointer).source().read()
    ).source == "Chassis/1/EnvironmentMetrics#PowerWatts"
    assert (
        await of_power(pointer, None).source().read()
    ).source == "Chassis/1/Power#PowerControl/0"


@pytest.mark.parametrize(
    "pointer",
    [
        "/PowerControl/1",
        "/PowerControl/1/PowerConsumedWatts",
        "/PowerControl/2",
        "/PowerControl/9",
        "/PowerSupplies/0/PowerInputWatts",
        "/Nothing",
        "PowerControl/0",
    ],
)
async def test_metrics_of_a_part_or_of_what_is_not_there_are_not_the_machines(pointer: str) -> None:
    reading = await searched(of_power(pointer, 80).source())
    assert (reading.watts, reading.source) == (410, "Chassis/1/Power#PowerControl/0")


async def test_the_message_says_of_which_part_metrics_are() -> None:
    served = of_power("/PowerControl/1")
    served.resources[f"{CHASSIS}/Power"] = {"PowerControl": [CPU, CPU]}
    with pytest.raises(ReadError, match=r"'Chassis/1/Power#/PowerControl/1 .CPU Sub-system Power"):
        await searched(served.source())
