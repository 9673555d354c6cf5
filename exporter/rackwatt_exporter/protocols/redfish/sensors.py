"""Sensor resources (DSP2046): those of the machine's power, and their sum."""

from collections.abc import Sequence
from typing import NamedTuple

from rackwatt_exporter.protocols.redfish.json import Json, get, get_str, link
from rackwatt_exporter.protocols.redfish.limits import Contradiction, contradictions
from rackwatt_exporter.protocols.redfish.machine import Machine, Place
from rackwatt_exporter.protocols.redfish.names import (
    display_name,
    is_of_supply,
    is_supply_input,
    limitations,
    shown,
    supply_named,
    supply_of,
)
from rackwatt_exporter.protocols.redfish.numbers import (
    added,
    counter,
    known_watts,
    member_watts,
    positive,
)
from rackwatt_exporter.protocols.redfish.ownership import may_feed_others, shared_supplies
from rackwatt_exporter.protocols.redfish.power import (
    COUNTS,
    ENERGY_UNITS,
    Finder,
    Found,
    NotNamedError,
    measures_power,
)
from rackwatt_exporter.protocols.redfish.status import present, require_working, state_of, works
from rackwatt_exporter.protocols.redfish.whole import may_be_whole, surest, whole_rank
from rackwatt_exporter.reading import ReadError, Reading, Reason

_DOUBTS = {
    Place.ALONE: "sensors may be the total:",
    Place.WITHIN: "sensors may be the total of this chassis, or of the one around it:",
    Place.AROUND: "sensors may be of one machine of several in this chassis:",
}


class Chosen(NamedTuple):
    """The sensors of a machine's power: its total, or the inputs of its `supplies`."""

    sensors: list[Json]
    supplies: bool


def total_of(name: str) -> Finder:
    """Make a finder of the watts of one sensor; one that counts energy may come after it."""
    return _watts_of((name,), ())


def sum_of(names: Sequence[str]) -> Finder:
    """Make a finder of the watts of some sensors, all of which have to read: the members."""
    return _watts_of(names, tuple(names))


def _watts_of(names: Sequence[str], members: tuple[str, ...]) -> Finder:

    def find(documents: Sequence[Json], where: str) -> Found | None:
        power, energy = documents[: len(names)], documents[len(names) :]
        for name, document in zip(names, power, strict=True):
            if document is not None and not (present(document) and measures_power(document)):
                raise ReadError(Reason.SENSOR_UNREADABLE, f"{shown(name)} {_unfit(document)}")
        values = [get(e, "Reading") if works(e) else state_of(e) for e in power]
        if members:
            total = member_watts(zip(names, values, strict=True), "the power")
        else:
            require_working(power[0], shown(names[0]))
            total = known_watts(values[0], shown(names[0]))
        return Found(Reading(total, where, joules=added(map(_joules, energy))), members)

    return find


def choose_sensors(documents: Sequence[Json], machine: Machine) -> Chosen:
    """Choose the sensors of the machine's power: its total, else the input of every supply.

    The total brings its counter of energy along, where there is one. A sensor is no total whose
    upper limit is less than a part draws.

    Raises:
        NotNamedError: there are sensors of power, and none is known to be either.
    """
    power = power_sensors(documents)
    if not power and (others := [each for each in documents if _of_power_in_other_units(each)]):
        raise NotNamedError("sensors of power are not in W:", [_with_units(e) for e in others])
    named = [each for each in power if whole_rank(each, machine)]
    against = contradictions(named, power)
    candidates = [each for each in power if all(each is not e.sensor for e in against)]
    whole = surest(candidates, machine)
    if len(whole) == 1:
        best = whole_rank(whole[0], machine)
        energy = [e for e in documents if present(e) and get_str(e, "ReadingType") in ENERGY_UNITS]
        counters = [each for each in energy if whole_rank(each, machine) == best]
        return Chosen(whole + (counters if len(counters) == 1 else []), supplies=False)
    if whole:
        kind = "several sensors may be the total:"
        raise NotNamedError(kind, [display_name(each) for each in whole])
    if against:
        part = f"{shown(display_name(against[0].part))} draws {against[0].draws:g} W"
        kind = f"{part}, more than the upper limit of"
        raise NotNamedError(kind, [_with_limit(each) for each in against])
    if doubtful := [each for each in power if may_be_whole(each, machine)]:
        raise NotNamedError(_DOUBTS[machine.place], [_with_id(each) for each in doubtful])
    inputs = [each for each in power if is_supply_input(each)]
    if power and not inputs:
        raise NotNamedError("sensors of power are", [_with_limitations(each) for each in power])
    own, place = machine.own | machine.inside, machine.place
    if shared := [each for each in inputs if may_feed_others(each, own, place)]:
        kind = f"{shared_supplies(place)} of"
        raise NotNamedError(kind, [display_name(each) for each in shared])
    _require_one_input_per_supply(inputs, power)
    _require_input_of_named_supplies(inputs, documents)
    return Chosen(inputs, supplies=True)


def power_sensors(documents: Sequence[Json]) -> list[Json]:
    """Return the sensors that measure power in watts, each once."""
    sensors: dict[str, Json] = {}
    for each in documents:
        if present(each) and measures_power(each) and (path := link(each)):
            sensors.setdefault(path, each)
    return list(sensors.values())


def is_named(document: Json, name: str) -> bool:
    """Return whether a name is the Id or the Name of a sensor."""
    return name in (get_str(document, "Id"), get_str(document, "Name"))


def _require_one_input_per_supply(inputs: Sequence[Json], power: Sequence[Json]) -> None:
    known = [supply_of(each) for each in inputs]
    if len(set(known)) < len(known):
        kind = "several sensors may be the input of one supply:"
        raise NotNamedError(kind, [display_name(each) for each in inputs])
    supplies = [each for each in power if is_of_supply(each)]
    without = [e for e in supplies if not any(_same_supply(supply_of(e), fed) for fed in known)]
    if without:
        raise NotNamedError(
            "of these supplies no input is known:", [display_name(e) for e in without]
        )


def _require_input_of_named_supplies(inputs: Sequence[Json], documents: Sequence[Json]) -> None:
    """Raise if a voltage, a temperature or the like is of a supply that has no input in W."""
    known = [supply_of(each) for each in inputs]
    present_ones = [(supply_named(display_name(e)), e) for e in documents if present(e)]
    without = [e for n, e in present_ones if n and not any(_same_supply(n, fed) for fed in known)]
    if known and without:
        raise NotNamedError(
            "of the supplies of these sensors no input is known:",
            [display_name(e) for e in without],
        )


def _same_supply(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Return whether numbers are those of one supply; one name may have more than the other."""
    common = min(len(one), len(other))
    return one[:common] == other[:common] if common else one == other


def _of_power_in_other_units(document: Json) -> bool:
    of_power = get_str(document, "ReadingType") == "Power"
    return of_power and present(document) and not measures_power(document)


def _with_units(document: Json) -> str:
    return f"{display_name(document)} in {shown(get(document, 'ReadingUnits'))}"


def _with_limitations(document: Json) -> str:
    limited = ", ".join(limitations(document))
    return f"{display_name(document)} ({limited})" if limited else display_name(document)


def _with_id(document: Json) -> str:
    return f"{get_str(document, 'Name')} ({get_str(document, 'Id')})"


def _with_limit(against: Contradiction) -> str:
    return f"{display_name(against.sensor)} ({against.limit:g} W)"


def _unfit(document: Json) -> str:
    if not present(document):
        return "is Absent"
    kind, units = get(document, "ReadingType"), get(document, "ReadingUnits")
    return f"is a sensor of {shown(kind)} in {shown(units)}, not of Power in W"


def _joules(document: Json) -> float | None:
    unit = ENERGY_UNITS.get(get_str(document, "ReadingType"))
    counted = next(filter(None, (counter(get(document, count)) for count in COUNTS)), None)
    return None if counted is None or unit is None else positive(counted * unit)
