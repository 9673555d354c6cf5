"""The places where a chassis' watts may be: JSON of every kind where resources should be."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.redfish.resources import enclosure, seekers
from rackwatt_exporter.targets.redfish.sensor_list import EXPAND

BASE = "/redfish/v1/Chassis/1"
NAMES = ["EnvironmentMetrics", "Power", "PowerSubsystem", "Sensors", "PowerSupplies", "Metrics"]
PATHS = st.sampled_from([f"{BASE}/{name}" for name in NAMES] + [f"{BASE}/Sensors{EXPAND}", BASE])
FIGURES = ["PowerWatts", "Reading", "PowerControl", "PowerConsumedWatts", "InputPowerWatts"]
KEYS = st.sampled_from([*NAMES, *FIGURES, "@odata.id", "Members", "Status", "ReadingType", "Id"])
JSON = st.recursive(
    st.none() | st.floats() | st.sampled_from(["Power", "total_power", "Absent"]) | PATHS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)

REASONS = (Reason.NO_POWER_SENSOR, Reason.SENSOR_UNREADABLE, Reason.BAD_REPLY)


@given(st.dictionaries(PATHS, JSON), JSON, st.booleans(), st.booleans())
async def test_any_chassis_has_places_that_read_watts_or_nothing(
    resources: dict[str, Any], chassis: Any, average: bool, expands: bool
) -> None:
    async def look(path: str) -> Any:
        return resources.get(path)

    for seek in seekers(enclosure(chassis, {BASE}), average=average, expands=expands):
        try:
            place = await seek(look)
            found = await place.read(look) if place else None
        except ReadError as error:
            assert error.reason in REASONS
        else:
            assert found is None or found.reading.watts > 0
