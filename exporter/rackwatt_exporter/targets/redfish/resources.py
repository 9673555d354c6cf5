"""Resources of a chassis, or a PDU, that may have the whole machine's watts.

`seekers` lists how to find them, the best first: metrics; Power, deprecated in 2020 and still the
most common; the metrics of the power supplies; sensors; at last the output of supplies. A resource
that is not linked is tried at its usual path, where some services have it. One that is linked may
be another chassis': its watts are not the machine's.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple, Optional

from rackwatt_exporter.protocols.redfish import power as power
from rackwatt_exporter.protocols.redfish.json import (
    Json,
    count_of,
    get,
    get_str,
    last_part,
    link,
    members,
)
from rackwatt_exporter.protocols.redfish.machine import Machine, machine_in
from rackwatt_exporter.protocols.redfish.names import display_name, labels
from rackwatt_exporter.protocols.redfish.ownership import (
    belongs,
    fed_by,
    may_feed_others,
    shared_supplies,
)
from rackwatt_exporter.protocols.redfish.power import Finder, Found, NotNamedError
from rackwatt_exporter.protocols.redfish.sensors import sum_of, total_of
from rackwatt_exporter.protocols.redfish.status import in_service, supply_works
from rackwatt_exporter.reading import ReadError
from rackwatt_exporter.targets.redfish.collection import Look, listed, unlisted
from rackwatt_exporter.targets.redfish.excerpt import sensor_of_input, sensor_of_whole, short
from rackwatt_exporter.targets.redfish.sensor_list import SensorList, chosen_sensors, named_sensors
from rackwatt_exporter.targets.redfish.sharing import parts_of

EQUIPMENT = "/redfish/v1/PowerEquipment"


class PowerResource(NamedTuple):
    """The resources that hold a machine's watts, and the function that reads all of them.

    `refresh` lists the members of a sum of several resources again. `states` are the resources that
    have the states of these members, in the same order; empty where the members have their own.
    """

    paths: tuple[str, ...]
    find: Finder
    where: str
    refresh: Optional["Seeker"] = None
    states: tuple[str, ...] = ()

    async def read(self, look: Look) -> Found | None:
        """Read it now; None where it has no watts.

        Raises:
            ReadError: as the finder, and as `look`.
        """
        return self.find([await look(path) for path in self.paths], self.where)


Seeker = Callable[[Look], Awaitable[PowerResource | None]]


class Enclosure(NamedTuple):
    """Paths of the resources of a chassis or a PDU, and the machine whose chassis it is."""

    path: str
    metrics: str
    power: str
    subsystem: str
    supplies: str | None
    sensors: str
    machine: Machine


def enclosure(document: Json, own: Collection[str]) -> Enclosure:
    """Return the paths of a chassis, or of a member of PowerEquipment."""
    path = (link(document) or "").rstrip("/")
    equipment = path.startswith(EQUIPMENT)
    return Enclosure(
        path=path,
        metrics=_path(document, "Metrics" if equipment else "EnvironmentMetrics"),
        power=_path(document, "Power"),
        subsystem=_path(document, "PowerSubsystem"),
        supplies=_path(document, "PowerSupplies") if equipment else None,
        sensors=_path(document, "Sensors"),
        machine=machine_in(document, own),
    )


def seekers(enclosing: Enclosure, *, average: bool, expands: bool) -> list[Seeker]:
    """List the seekers of all possible resources; with `average`, only of the BMC's own mean."""
    if average:
        mean = partial(_in_power, enclosing.power, power.average_power(enclosing.machine))
        return [partial(_only_own, mean, enclosing.machine.own)]
    found: list[Seeker] = [partial(_metrics, enclosing)]
    if enclosing.supplies is None:
        finders = power.power_control(enclosing.machine), power.oem_total(enclosing.machine)
        found += [partial(_in_power, enclosing.power, find) for find in finders]
        found.append(partial(_supplies_in_power, enclosing, power.supply_inputs))
    found.append(partial(_supply_metrics, enclosing))
    found.append(partial(_sensors, SensorList(enclosing.sensors, expands), enclosing))
    if enclosing.supplies is None:
        found.append(partial(_supplies_in_power, enclosing, power.supply_outputs))
    return [partial(_only_own, seek, enclosing.machine.own) for seek in found]


def named(enclosing: Enclosure, names: Sequence[str], *, expands: bool) -> Seeker:
    """Make a seeker of the sum that the settings name: sensors, or members of PowerControl."""
    return partial(_named, enclosing, tuple(dict.fromkeys(names)), expands)


async def _named(
    enclosing: Enclosure, names: tuple[str, ...], expands: bool, look: Look
) -> PowerResource | None:
    if power.control_names(await look(enclosing.power)).issuperset(names):
        return resource((enclosing.power,), power.controls_named(names))
    sensors = await named_sensors(look, enclosing.sensors, names, expands)
    # One sensor may be named twice: by its Name and by its Id.
    by_path = {(link(sensors[name]) or "").rstrip("/"): name for name in reversed(names)}
    paths, once = zip(*reversed(by_path.items()), strict=True)
    if len(once) == 1:
        return resource(paths, total_of(once[0]))
    return resource(paths, sum_of(once), partial(_named, enclosing, names, expands))


async def _only_own(seek: Seeker, own: frozenset[str], look: Look) -> PowerResource | None:
    """Find what a seeker finds, now and at each refresh, where all of it is the machine's own.

    Raises:
        NotNamedError: some of it belongs to another chassis; as the seeker.
    """
    place = await seek(look)
    if place is None:
        return None
    if others := [path for path in place.states + place.paths if not belongs(path, own)]:
        kind = "a link leads to another chassis, which redfish.chassis may name:"
        raise NotNamedError(kind, [short(path) for path in others])
    refresh = place.refresh and partial(_only_own, place.refresh, own)
    return place._replace(refresh=refresh)


async def _in_power(path: str, find: Finder, look: Look) -> PowerResource | None:
    return resource((path,), find) if await look(path) else None


async def _supplies_in_power(at: Enclosure, find: Finder, look: Look) -> PowerResource | None:
    """Find the sum of Power's supplies, of which PowerSubsystem may list more."""
    document = await look(at.power)
    place = resource((at.power,), find)
    with suppress(ReadError):  # which the reading raises
        if find([document], place.where) is None:
            return None
    known = power.fitted_supplies(document)
    if (counted := count_of(document, "PowerSupplies")) > len(members(document, "PowerSupplies")):
        raise NotNamedError(f"Power counts {counted} supplies, and has only", list(known))
    if twice := power.of_one_serial_number(known.values()):
        names = [display_name(each) for each in twice]
        raise NotNamedError("several supplies have one serial number:", names)
    await _require_own_supplies(known, at, look)
    fitted = await _fitted(at, look)
    if len(fitted) > len(known):
        kind = f"Power has only {len(known)} of the supplies"
        raise NotNamedError(kind, _supply_labels(fitted))
    return place


async def _metrics(at: Enclosure, look: Look) -> PowerResource | None:
    sensor = await sensor_of_whole(get(await look(at.metrics), "PowerWatts"), at.machine, look)
    if sensor:
        return resource((sensor,), total_of(last_part(sensor)))
    return resource((at.metrics,), power.metrics)


async def _supply_metrics(at: Enclosure, look: Look) -> PowerResource | None:
    fitted = await _fitted(at, look)
    metrics = {member: _path(each, "Metrics", member) for member, each in fitted.items()}
    excerpts = {m: get(await look(metrics[m]), "InputPowerWatts") for m in fitted}
    if not any(excerpt is not None for excerpt in excerpts.values()):
        return None
    inputs = []
    for member, supply in fitted.items():
        if supply_works(supply):
            sensor = await sensor_of_input(excerpts[member], at.machine, look)
            inputs.append(sensor or metrics[member])
        else:  # it has no metrics: its own resource says so
            inputs.append(member)
    names = _supply_labels(fitted)
    refresh = partial(_supply_metrics, at)
    return resource(inputs, power.supply_metrics(names), refresh, tuple(fitted))


async def _fitted(at: Enclosure, look: Look) -> dict[str, Json]:
    """Return the power supplies that are listed and in service, by path.

    A supply that is listed and not found is one that cannot be read, not an empty bay.

    Raises:
        NotNamedError: some of them feed others too, or are only counted.
    """
    path = at.supplies or link(await look(at.subsystem), "PowerSupplies")
    bays = {member: await look(member) for member in await listed(look, path)} if path else {}
    if path and (more := await unlisted(look, path)):
        raise NotNamedError(f"the chassis counts {more} supplies more than it lists:", list(bays))
    fitted = {m: each for m, each in bays.items() if each is None or in_service(each)}
    named_supplies = dict(zip(_supply_labels(fitted), fitted.values(), strict=True))
    await _require_own_supplies(named_supplies, at, look)
    return fitted


async def _require_own_supplies(supplies: dict[str, Json], at: Enclosure, look: Look) -> None:
    """Raise if some of these supplies, by name, feed other chassis or systems than the machine."""
    place, fed = at.machine.place, at.machine.own | at.machine.inside
    others = [name for name, each in supplies.items() if may_feed_others(each, fed, place)]
    # A part may say what it is in, where that lists no parts.
    fed |= {path for name in others for path in await parts_of(look, fed_by(supplies[name]), fed)}
    if others := [name for name in others if may_feed_others(supplies[name], fed, place)]:
        raise NotNamedError(shared_supplies(place), others)


def _supply_labels(fitted: dict[str, Json]) -> list[str]:
    return labels((get_str(each, "Name"), last_part(member)) for member, each in fitted.items())


async def _sensors(listed: SensorList, at: Enclosure, look: Look) -> PowerResource | None:
    chosen, remaining = await chosen_sensors(look, listed, at.machine)
    if not chosen.sensors:
        return None
    paths = tuple(p for each in chosen.sensors if (p := link(each)))
    if not chosen.supplies:
        return resource(paths, total_of(display_name(chosen.sensors[0]) or last_part(paths[0])))
    await _require_a_sensor_per_supply(len(paths), at, look)
    names = labels(("", last_part(path)) for path in paths)
    return resource(paths, sum_of(names), partial(_sensors, remaining, at))


async def _require_a_sensor_per_supply(sensors: int, at: Enclosure, look: Look) -> None:
    """Raise if the chassis lists more supplies than have a sensor of their input."""
    listed_supplies = _supply_labels(await _fitted(at, look))
    for names in (listed_supplies, list(power.fitted_supplies(await look(at.power)))):
        if len(names) > sensors:
            raise NotNamedError(f"only {sensors} has a sensor of its input, of the supplies", names)


def resource(
    paths: Sequence[str],
    find: Finder,
    refresh: Seeker | None = None,
    states: tuple[str, ...] = (),
) -> PowerResource:
    """Make a PowerResource, named after its paths."""
    return PowerResource(tuple(paths), find, "+".join(map(short, paths)), refresh, states)


def _path(document: Json, name: str, base: str | None = None) -> str:
    usual = f"{(base or link(document) or '').rstrip('/')}/{name}"
    return link(document, name) or usual
