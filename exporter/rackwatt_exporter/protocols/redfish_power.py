"""Where the watts are in Redfish's resources: pure functions of their JSON.

Each gives a Reading, or None where the resource has no watts. Null, 0 and whatever is no number
are no watts: a machine that is on draws some, and a BMC that says 0 does not know. Schemas: DSP2046
(Power, EnvironmentMetrics, PowerSupplyMetrics, Sensor).
"""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from rackwatt_exporter.protocols.redfish_json import Json, at, members, word
from rackwatt_exporter.reading import Reading, Statistics

JOULES_PER_KWH = 3_600_000.0
SECONDS_PER_MINUTE = 60.0

# What tells of a part of the machine; Lenovo, Intel and Cray list parts beside the whole.
_PART = re.compile(
    r"\b(cpus?|processors?|memory|dimms?|gpus?|accelerators?|sub-?systems?|fans?)\d*\b"
)
_PART_CONTEXTS = re.compile(r"CPU|GPU|Accelerator|Memory|Fan|Storage|Networking|FPGA|ASIC")
# How the sensor of the whole machine is called by OpenBMC, DMTF's examples, Dell 17G.
_WHOLE = re.compile(
    r"total[ _-]?(power|energy)|(power|energy)[ _-]?total"
    r"|(system|chassis|node)[ _-]?(input)?[ _-]?power|system ?board ?pwr|p(o)?we?r[ _-]?consum",
    re.IGNORECASE,
)
_SUPPLY_INPUT = re.compile(r"input|\bpin\b|power[ _-]?in\b", re.IGNORECASE)
_ENERGY_UNITS = {"EnergyJoules": 1.0, "EnergykWh": JOULES_PER_KWH}
# Counted over a lifetime where that is kept: the other can be reset.
_COUNTS = ("LifetimeReading", "Reading")

Finder = Callable[[Sequence[Json], str], Reading | None]


def environment_metrics(documents: Sequence[Json], where: str) -> Reading | None:
    """Read EnvironmentMetrics: PowerWatts, with the energy counter where there is one."""
    (document,) = documents
    watts = _positive(at(document, "PowerWatts", "Reading"))
    if watts is None:
        return None
    return Reading(watts, f"{where}#PowerWatts", joules=joules(document))


def power_control(documents: Sequence[Json], where: str) -> Reading | None:
    """Read Power: PowerConsumedWatts of the machine's PowerControl, or where vendors put it."""
    (document,) = documents
    member, control = _machine(document)
    watts = _positive(at(control, "PowerConsumedWatts"))
    if watts is not None:
        told = f"{where}#PowerControl/{member}"
        return Reading(watts, told, statistics=_statistics(control))
    return _vendors_watts(document, where)


def average_power(documents: Sequence[Json], where: str) -> Reading | None:
    """Read Power: the BMC's own mean, PowerMetrics.AverageConsumedWatts over IntervalInMin."""
    (document,) = documents
    member, control = _machine(document)
    statistics = _statistics(control)
    if statistics is None or statistics.average_watts is None:
        return None
    told = f"{where}#PowerControl/{member}/PowerMetrics"
    return Reading(statistics.average_watts, told, statistics=statistics)


def power_supplies(documents: Sequence[Json], where: str) -> Reading | None:
    """Read Power: the sum of what all power supplies take in, else of what all give out."""
    (document,) = documents
    supplies = [each for each in members(document, "PowerSupplies") if present(each)]
    for name in ("PowerInputWatts", "LastPowerOutputWatts"):
        watts = _total(at(each, name) for each in supplies)
        if watts is not None:
            return Reading(watts, f"{where}#PowerSupplies/{name}")
    return None


def supply_metrics(documents: Sequence[Json], where: str) -> Reading | None:
    """Read PowerSupplyMetrics of all supplies: the sum of InputPowerWatts, and of their energy."""
    watts = _total(at(each, "InputPowerWatts", "Reading") for each in documents)
    if watts is None:
        return None
    return Reading(watts, f"{where}#InputPowerWatts", joules=_sum(joules(e) for e in documents))


def sensors(documents: Sequence[Json], where: str) -> Reading | None:
    """Read Sensor resources: the sum of their watts, if every one of them reads."""
    energy = [each for each in documents if word(each, "ReadingType") in _ENERGY_UNITS]
    power = [each for each in documents if each not in energy]
    watts = _total(at(each, "Reading") for each in power)
    if watts is None or not all(map(_measures_power, power)):
        return None  # or a sensor has become another since it was chosen
    return Reading(watts, where, joules=_sum(map(_sensor_joules, energy)))


def telling_sensors(documents: Sequence[Json]) -> list[Json]:
    """Choose the sensors that tell the machine's power: the total, else every supply's input.

    Any other sensor of power tells of a part, and parts are never taken for the whole. The total
    brings its counter of energy along, where there is one.
    """
    there = [each for each in documents if present(each)]
    power = [each for each in there if _measures_power(each)]
    whole = [each for each in power if _is_whole(each)]
    if not whole:
        return [each for each in power if _is_supply_input(each)]
    energy = [each for each in there if word(each, "ReadingType") in _ENERGY_UNITS]
    counters = [each for each in energy if _is_whole(each)]
    return whole[:1] + counters[:1]


def present(document: Json) -> bool:
    """Tell whether what a resource describes is there; empty bays are listed too."""
    return isinstance(document, dict) and at(document, "Status", "State") != "Absent"


def joules(document: Json) -> float | None:
    """Tell the energy counter of a resource of metrics."""
    for count in _COUNTS:
        for energy, unit in _ENERGY_UNITS.items():
            counted = _positive(at(document, energy, count))
            if counted is not None:
                return _positive(counted * unit)
    return None


def _machine(document: Json) -> tuple[int, Json]:
    """Find the member of PowerControl that is the machine, not one of its parts."""
    for number, control in enumerate(members(document, "PowerControl")):
        if isinstance(control, dict) and not _is_part(control):
            return number, control
    return 0, None


def _vendors_watts(document: Json, where: str) -> Reading | None:
    for keys in (
        ("Oem", "ts_fujitsu", "ChassisPowerConsumption", "CurrentPowerConsumptionW"),
        ("PowerConsumedWatts",),  # iLO 4
    ):
        watts = _positive(at(document, *keys))
        if watts is not None:
            return Reading(watts, f"{where}#{'/'.join(keys)}")
    return None


def _statistics(control: Json) -> Statistics | None:
    metrics = at(control, "PowerMetrics")
    if not isinstance(metrics, dict):
        return None
    minutes = _number(metrics.get("IntervalInMin"))
    return Statistics(
        average_watts=_positive(metrics.get("AverageConsumedWatts")),
        minimum_watts=_positive(metrics.get("MinConsumedWatts")),
        maximum_watts=_positive(metrics.get("MaxConsumedWatts")),
        window_s=None if minutes is None else _positive(minutes * SECONDS_PER_MINUTE),
    )


def _called(document: Json) -> str:
    return " ".join(word(document, name) for name in ("Id", "Name", "MemberId"))


def _is_part(document: Json) -> bool:
    context = _PART_CONTEXTS.match(word(document, "PhysicalContext"))
    return context is not None or _PART.search(_called(document).lower()) is not None


def _is_whole(document: Json) -> bool:
    supply = at(document, "PhysicalContext") == "PowerSupply"
    named = _WHOLE.search(_called(document)) is not None
    return named and not supply and not _is_part(document)


def _measures_power(document: Json) -> bool:
    return at(document, "ReadingType") == "Power" and at(document, "ReadingUnits") in (None, "W")


def _sensor_joules(document: Json) -> float | None:
    unit = _ENERGY_UNITS[word(document, "ReadingType")]
    counted = next(filter(None, (_positive(at(document, count)) for count in _COUNTS)), None)
    return None if counted is None else _positive(counted * unit)


def _is_supply_input(document: Json) -> bool:
    if at(document, "PhysicalContext") != "PowerSupply":
        return False
    inward = at(document, "PhysicalSubContext") == "Input"
    return inward or _SUPPLY_INPUT.search(_called(document)) is not None


def _total(values: Iterable[Json]) -> float | None:
    """Add up; None where one is no number, or where all together are no watts."""
    return _positive(_sum(_number(value) for value in values))


def _sum(values: Iterable[float | None]) -> float | None:
    known = list(values)
    numbers = [value for value in known if value is not None and value >= 0]
    if not numbers or len(numbers) < len(known):
        return None
    with suppress(OverflowError):
        return math.fsum(numbers)
    return None


def _positive(value: Json) -> float | None:
    number = _number(value)
    return number if number is not None and number > 0 else None


def _number(value: Json) -> float | None:
    """Take a JSON number that is one; true is 1 to Python, and no number here."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
