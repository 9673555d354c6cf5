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
