"""Whether a Redfish reading's number is where its source says, and is the only candidate.

Reads `source` as a person would (`Chassis/1/Power#PowerControl/0`), and looks there. It knows
nothing of how the product came to it.
"""

import math
from collections.abc import Callable
from typing import Any

from rackwatt_exporter.reading import Reading

Resources = Callable[[str], Any]
VENDORS = (
    "Oem/ts_fujitsu/ChassisPowerConsumption/CurrentPowerConsumptionW",
    "Oem/Public/TotalPower",
)


def holds(reading: Reading, resources: Resources) -> bool:
    """Return whether the watts are those of the document; `resources` returns what a path holds."""
    numbers = _numbers(reading.source, resources)
    return all(map(_is_watts, numbers)) and math.isclose(reading.watts, math.fsum(numbers))


def _is_watts(number: Any) -> bool:
    return type(number) in (int, float) and math.isfinite(number) and number >= 0


def _numbers(source: str, resources: Resources) -> list[Any]:
    places, _, way = source.partition("#")
    documents = [resources(f"/redfish/v1/{place}") for place in places.split("+")]
    first = documents[0]
    if way == "PowerWatts":
        return [first["PowerWatts"]["Reading"]]
    if way == "PowerConsumedWatts":
        return [first["PowerConsumedWatts"]]
    if way in VENDORS:
        return [_at(first, way)]
    if way == "InputPowerWatts":
        return [_supplied(each) for each in documents]
    head, _, tail = way.partition("/")
    if head == "PowerSupplies":
        return [_at(each, tail) for each in _there(first["PowerSupplies"])]
    if head == "PowerControl":
        number, _, mean = tail.partition("/")
        if not number.isdigit():
            return [c["PowerConsumedWatts"] for c in first["PowerControl"] if c["Name"] == number]
        control = first["PowerControl"][int(number)]
        return [
            control["PowerMetrics"]["AverageConsumedWatts"]
            if mean
            else control["PowerConsumedWatts"]
        ]
    assert not way, source
    return [each["Reading"] for each in documents if each["ReadingType"] == "Power"]


def _at(document: Any, way: str) -> Any:
    for key in way.split("/"):
        document = document[key]
    return document


def _supplied(document: Any) -> Any:
    is_sensor = document.get("ReadingType") == "Power"
    return document["Reading"] if is_sensor else document["InputPowerWatts"]["Reading"]


def _there(supplies: list[Any]) -> list[Any]:
    found = []
    for each in supplies:
        if isinstance(each, dict):
            status = each.get("Status")
            state = status.get("State") if isinstance(status, dict) else None
            if str(state).lower() not in ("absent", "disabled"):
                found.append(each)
    return found
