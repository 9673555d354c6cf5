"""Watts in Redfish's resources of a chassis: pure functions of their JSON.

Each returns what it finds, or None where the resource has no property for watts. It raises where
the property has no watts now, or where none is known to be the whole machine's. Schemas:
DSP2046 (Power, EnvironmentMetrics, PowerSupplyMetrics, PowerDistributionMetrics).
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from rackwatt_exporter.protocols.redfish.json import Json, count_of, get, get_str, members
from rackwatt_exporter.protocols.redfish.machine import Machine
from rackwatt_exporter.protocols.redfish.names import display_name, labels, shown
from rackwatt_exporter.protocols.redfish.numbers import (
    added,
    counter,
    member_watts,
    number,
    positive,
    statistic,
    watts,
)
from rackwatt_exporter.protocols.redfish.oem import SUPPLY_INPUTS, TOTALS
from rackwatt_exporter.protocols.redfish.status import (
    in_service,
    present,
    state_of,
    supply_works,
    works,
)
from rackwatt_exporter.protocols.redfish.whole import may_be_elsewhere, surest
from rackwatt_exporter.reading import ReadError, Reading, Reason, Statistics

JOULES_PER_KWH = 3_600_000.0
SECONDS_PER_MINUTE = 60.0
ENERGY_UNITS = {"EnergyJoules": 1.0, "EnergykWh": JOULES_PER_KWH}
# The lifetime counter first: the other can be reset.
COUNTS = ("LifetimeReading", "Reading")
_MAX_NAMES = 12


class Found(NamedTuple):
    """A reading, and the members of its sum; none where it is not a sum."""

    reading: Reading
    members: tuple[str, ...] = ()


Finder = Callable[[Sequence[Json], str], Found | None]


class NotNamedError(ReadError):
    """There are watts, and none that is known to be of the whole machine."""

    def __init__(self, kind: str, names: Collection[str]) -> None:
        listed = ", ".join(repr(shown(name)) for name in list(names)[:_MAX_NAMES])
        more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
        super().__init__(Reason.NO_POWER_SENSOR, f"{kind} {listed}{more}")


def metrics(documents: Sequence[Json], where: str) -> Found | None:
    """Read EnvironmentMetrics, or the metrics of a PDU: PowerWatts, and the energy counter."""
    (document,) = documents
    power_watts = watts(document, ("PowerWatts", "Reading"), f"{where}#PowerWatts")
    if power_watts is None:
        return None
    return Found(Reading(power_watts, f"{where}#PowerWatts", joules=joules(document)))


def power_control(machine: Machine) -> Finder:
    """Make a finder of PowerConsumedWatts of the machine's PowerControl in Power."""

    def find(documents: Sequence[Json], where: str) -> Found | None:
        index, control = _machine(documents[0], machine)
        source = f"{where}#PowerControl/{index}"
        power_watts = watts(control, ("PowerConsumedWatts",), source)
        if power_watts is None:
            return None
        return Found(Reading(power_watts, source, statistics=_statistics(control)))

    return find


def average_power(machine: Machine) -> Finder:
    """Make a finder of the BMC's own mean: AverageConsumedWatts over IntervalInMin."""

    def find(documents: Sequence[Json], where: str) -> Found | None:
        index, control = _machine(documents[0], machine)
        source = f"{where}#PowerControl/{index}/PowerMetrics"
        power_watts = watts(control, ("PowerMetrics", "AverageConsumedWatts"), source)
        if power_watts is None:
            return None
        return Found(Reading(power_watts, source, statistics=_statistics(control)))

    return find


def oem_total(machine: Machine) -> Finder:
    """Make a finder of the total in a vendor's own property of Power."""

    def find(documents: Sequence[Json], where: str) -> Found | None:
        for keys in TOTALS:
            source = f"{where}#{'/'.join(keys)}"
            power_watts = watts(documents[0], keys, source)
            if power_watts is None:
                continue
            if may_be_elsewhere(keys, machine):
                raise NotNamedError("Power has the total of this chassis, or around it:", [source])
            return Found(Reading(power_watts, source))
        return None

    return find


def supply_inputs(documents: Sequence[Json], where: str) -> Found | None:
    """Read Power: the sum of what all its power supplies take in."""
    return next(
        filter(None, (_supplies(documents[0], keys, where) for keys in SUPPLY_INPUTS)), None
    )


def supply_outputs(documents: Sequence[Json], where: str) -> Found | None:
    """Read Power: the sum of what all its power supplies give out, if no input is known."""
    supplies = fitted_supplies(documents[0])
    known = (number(get(each, *keys)) for each in supplies.values() for keys in SUPPLY_INPUTS)
    if any(known):
        return None
    return _supplies(documents[0], ("LastPowerOutputWatts",), where)


def supply_metrics(names: Sequence[str]) -> Finder:
    """Make a finder of the sum of InputPowerWatts in the PowerSupplyMetrics of these supplies."""

    def find(documents: Sequence[Json], where: str) -> Found | None:
        source = f"{where}#InputPowerWatts"
        values = [_input(document) for document in documents]
        total = member_watts(zip(names, values, strict=True), source)
        return Found(Reading(total, source, joules=added(map(joules, documents))), tuple(names))

    return find


def supply_input(document: Json) -> float | None:
    """Return the watts that a supply's metrics, or the sensor of these, have; None without any."""
    return number(_input(document))


def fitted_supplies(document: Json) -> dict[str, Json]:
    """Return Power's supplies in service, by names of which no two are the same."""
    supplies = [each for each in _each_once(document, "PowerSupplies") if in_service(each)]
    known = [(get_str(each, "Name"), get_str(each, "MemberId")) for each in supplies]
    return dict(zip(labels(known), supplies, strict=True))


def of_one_serial_number(supplies: Iterable[Json]) -> list[Json]:
    """Return the supplies that have the serial number of another: one may be listed twice."""
    known = [(get_str(each, "SerialNumber"), each) for each in supplies]
    numbers = [serial for serial, _ in known if _is_serial_number(serial)]
    return [each for serial, each in known if numbers.count(serial) > 1]


def _is_serial_number(text: str) -> bool:
    """Return whether it is one: not `N/A`, `00000000` or `0123456789`, which many may have."""
    digits = sum(c.isdigit() for c in text)
    return digits > 2 and len(set(text)) > 2 and text not in "01234567890"


def _each_once(document: Json, key: str) -> list[Json]:
    """Return the members of an array, one that is listed twice once, whatever it reads.

    Some services give all members the same path, that of Power: only one of the member itself, or a
    serial number, says that two are one.
    """
    found = members(document, key)
    names = ("@odata.id", "MemberId", "Name", "SerialNumber")
    marks = [tuple(get_str(each, name) for name in names) for each in found]
    one = [mark for mark in marks if mark[1] and mark[0] and ("#" in mark[0] or mark[3])]
    seen = {mark: each for mark, each in zip(marks, found, strict=True) if mark in one}
    return [e for m, e in zip(marks, found, strict=True) if m not in seen or seen[m] is e]


def measures_power(document: Json) -> bool:
    """Return whether a resource is a Sensor of power, in watts."""
    if get(document, "ReadingType") != "Power":
        return False
    units = get(document, "ReadingUnits")
    return units is None or (isinstance(units, str) and units.lower() in ("w", "watt", "watts"))


def in_other_units(sensor: Json) -> bool:
    """Return whether a sensor says that it measures something else than power in watts."""
    return isinstance(sensor, dict) and not measures_power({"ReadingType": "Power"} | sensor)


def joules(document: Json) -> float | None:
    """Return the energy counter of a resource of metrics."""
    for count in COUNTS:
        for energy, unit in ENERGY_UNITS.items():
            counted = counter(get(document, energy, count))
            if counted is not None:
                return positive(counted * unit)
    return None


def control_names(document: Json) -> set[str]:
    """Return the names of Power's members of PowerControl, without those of several."""
    names = [display_name(each) for each in members(document, "PowerControl")]
    return {name for name in names if names.count(name) == 1}


def controls_named(names: Sequence[str]) -> Finder:
    """Make a finder of the sum of PowerConsumedWatts of the PowerControls with these names."""
    names = tuple(dict.fromkeys(names))

    def find(documents: Sequence[Json], where: str) -> Found | None:
        if not control_names(documents[0]).issuperset(names):
            return None
        controls = {display_name(each): each for each in members(documents[0], "PowerControl")}
        values = [(name, _consumed(controls[name])) for name in names]
        source = f"{where}#PowerControl/{'+'.join(names)}"
        return Found(Reading(member_watts(values, source), source), names)

    return find


def _machine(document: Json, machine: Machine) -> tuple[int, Json]:
    """Find the member of PowerControl that is the machine's.

    Raises:
        NotNamedError: there are some, and none of them is known to be.
    """
    listed = members(document, "PowerControl")
    controls = [each for each in listed if present(each)]
    if not controls:
        return 0, None
    absent = sum(isinstance(each, dict) for each in listed) - len(controls)
    alone = count_of(document, "PowerControl") - absent == 1
    found = surest(controls, machine, alone)
    if len(found) != 1:
        kind = "PowerControl has several that may be the total:" if found else "PowerControl has"
        doubtful = found or controls
        raise NotNamedError(kind, [display_name(c) or "one without a name" for c in doubtful])
    return members(document, "PowerControl").index(found[0]), found[0]


def _supplies(document: Json, keys: tuple[str, ...], where: str) -> Found | None:
    supplies = fitted_supplies(document)
    values = {name: _of_supply(each, *keys) for name, each in supplies.items()}
    if not any(_has(each, keys) for each in supplies.values()):
        return None
    source = f"{where}#PowerSupplies/{'/'.join(keys)}"
    return Found(Reading(member_watts(values.items(), source), source), tuple(values))


def _has(document: Json, keys: tuple[str, ...]) -> bool:
    holder = get(document, *keys[:-1])
    return isinstance(holder, dict) and keys[-1] in holder


def _input(document: Json) -> Json:
    """Return what a supply takes in: of its metrics, or of the sensor that these refer to."""
    if measures_power(document):
        return get(document, "Reading") if works(document) else state_of(document)
    return _of_supply(document, "InputPowerWatts", "Reading")


def _of_supply(document: Json, *keys: str) -> Json:
    """Return a supply's value; its state instead where that says that it is no measurement."""
    return get(document, *keys) if supply_works(document) else state_of(document)


def _consumed(control: Json) -> Json:
    """Return a PowerControl's watts; its state instead where they are no measurement."""
    return get(control, "PowerConsumedWatts") if works(control) else state_of(control)


def _statistics(control: Json) -> Statistics | None:
    metrics = get(control, "PowerMetrics")
    if not isinstance(metrics, dict):
        return None
    minutes = number(metrics.get("IntervalInMin"))
    return Statistics(
        average_watts=statistic(metrics.get("AverageConsumedWatts")),
        minimum_watts=statistic(metrics.get("MinConsumedWatts")),
        maximum_watts=statistic(metrics.get("MaxConsumedWatts")),
        window_s=None if minutes is None else positive(minutes * SECONDS_PER_MINUTE),
    )
