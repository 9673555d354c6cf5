"""The places where a chassis, or a PDU, may have the whole machine's watts.

`seekers` lists them, the best first: metrics; Power, deprecated in 2020 and still the most common;
the metrics of the power supplies; sensors; at last what supplies give out. A place that is not
linked is tried at its usual path, since some services have it there all the same.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import NamedTuple, Optional

from rackwatt_exporter.protocols.redfish import power as power
from rackwatt_exporter.protocols.redfish.json import Json, get, get_str, last_part, link
from rackwatt_exporter.protocols.redfish.names import display_name, labels, whole_rank
from rackwatt_exporter.protocols.redfish.numbers import number
from rackwatt_exporter.protocols.redfish.power import Finder, Found, NotNamedError
from rackwatt_exporter.protocols.redfish.sensors import sum_of, total_of
from rackwatt_exporter.targets.redfish.collection import listed
from rackwatt_exporter.targets.redfish.sensor_list import SensorList, chosen_sensors, named_sensors

EQUIPMENT = "/redfish/v1/PowerEquipment"

Look = Callable[[str], Awaitable[Json]]


class PowerResource(NamedTuple):
    """The resources that hold a machine's watts, all of them needed, and how they are read.

    `again` lists the members of a sum of several resources again.
    """

    paths: tuple[str, ...]
    find: Finder
    where: str
    again: Optional["Seeker"] = None

    async def read(self, look: Look) -> Found | None:
        """Read it now; None where it has no watts.

        Raises:
            ReadError: as the finder, and as `look`.
        """
        return self.find([await look(path) for path in self.paths], self.where)


Seeker = Callable[[Look], Awaitable[PowerResource | None]]


class Enclosure(NamedTuple):
    """Where a chassis or a PDU has what belongs to it; `own` are the machine's own paths."""

    path: str
    metrics: str
    power: str
    subsystem: str
    supplies: str | None
    sensors: str
    own: frozenset[str]


def enclosure(document: Json, own: Collection[str]) -> Enclosure:
    """Describe a chassis, or a member of PowerEquipment."""
    path = (link(document) or "").rstrip("/")
    equipment = path.startswith(EQUIPMENT)
    return Enclosure(
        path=path,
        metrics=_path(document, "Metrics" if equipment else "EnvironmentMetrics"),
        power=_path(document, "Power"),
        subsystem=_path(document, "PowerSubsystem"),
        supplies=_path(document, "PowerSupplies") if equipment else None,
        sensors=_path(document, "Sensors"),
        own=frozenset(own),
    )


def seekers(around: Enclosure, *, average: bool, expands: bool) -> list[Seeker]:
    """List how to find each place that there may be; `average` leaves the BMC's own mean."""
    if average:
        return [partial(_in_power, around.power, power.average_power(around.own))]
    found: list[Seeker] = [partial(_metrics, around.metrics, around.own)]
    if around.supplies is None:
        finders = power.power_control(around.own), power.oem_total, power.supply_inputs
        found += [partial(_in_power, around.power, find) for find in finders]
    found.append(partial(_supply_metrics, around.subsystem, around.supplies))
    found.append(partial(_sensors, SensorList(around.sensors, expands), around.own))
    if around.supplies is None:
        found.append(partial(_in_power, around.power, power.supply_outputs))
    return found


def named(around: Sequence[Enclosure], names: Sequence[str], *, expands: bool) -> Seeker:
    """Make a seeker of the sum that the settings name: sensors, or members of PowerControl."""
    return partial(_named, tuple(around), tuple(dict.fromkeys(names)), expands)


async def _named(
    around: tuple[Enclosure, ...], names: tuple[str, ...], expands: bool, look: Look
) -> PowerResource | None:
    for each in around:
        if power.control_names(await look(each.power)).issuperset(names):
            return place((each.power,), power.controls_named(names))
    lists = [each.sensors for each in around]
    found = await named_sensors(look, lists, names, expands)
    # One sensor may be named twice: by its Name and by its Id.
    by_path = {(link(found[name]) or "").rstrip("/"): name for name in reversed(names)}
    paths, once = zip(*reversed(by_path.items()), strict=True)
    if len(once) == 1:
        return place(paths, total_of(once[0]))
    return place(paths, sum_of(once), partial(_named, around, names, expands))


async def _in_power(path: str, find: Finder, look: Look) -> PowerResource | None:
    return place((path,), find) if await look(path) else None


async def _metrics(path: str, own: frozenset[str], look: Look) -> PowerResource | None:
    excerpt = get(await look(path), "PowerWatts")
    sensor = _source(excerpt)
    if sensor and not await _is_of_whole(sensor, own, look):
        raise NotNamedError("the metrics are those of sensor", [last_part(sensor)])
    if sensor and number(get(excerpt, "Reading")) is None and await look(sensor):
        return place((sensor,), total_of(last_part(sensor)))
    return place((path,), power.metrics)


async def _supply_metrics(subsystem: str, supplies: str | None, look: Look) -> PowerResource | None:
    path = supplies or link(await look(subsystem), "PowerSupplies")
    found = {member: await look(member) for member in await listed(look, path)} if path else {}
    # A supply that is listed and does not answer is one that does not read: it is no empty bay.
    fitted = {m: each for m, each in found.items() if each is None or power.present(each)}
    metrics = {member: _path(each, "Metrics", member) for member, each in fitted.items()}
    excerpts = {m: get(await look(metrics[m]), "InputPowerWatts") for m in fitted}
    if not any(excerpt is not None for excerpt in excerpts.values()):
        return None
    paths = tuple(
        (None if "Reading" in (e if isinstance(e, dict) else ()) else _source(e)) or metrics[m]
        for m, e in excerpts.items()
    )
    names = labels((get_str(each, "Name"), last_part(member)) for member, each in fitted.items())
    again = partial(_supply_metrics, subsystem, supplies)
    return place(paths, power.supply_metrics(names), again)


async def _sensors(listed: SensorList, own: frozenset[str], look: Look) -> PowerResource | None:
    chosen, again = await chosen_sensors(look, listed, own)
    if not chosen.sensors:
        return None
    paths = tuple(p for each in chosen.sensors if (p := link(each)))
    if not chosen.supplies:
        return place(paths, total_of(display_name(chosen.sensors[0]) or last_part(paths[0])))
    names = labels(("", last_part(path)) for path in paths)
    return place(paths, sum_of(names), partial(_sensors, again, own))


async def _is_of_whole(sensor: str, own: frozenset[str], look: Look) -> bool:
    """Return whether metrics may be the machine's that refer to this sensor."""
    named = {"Id": last_part(sensor)}
    if whole_rank(named, alone=True):
        return True
    document = await look(sensor)
    return whole_rank(document, own, alone=True) > 0 if document else False


def place(paths: Sequence[str], find: Finder, again: Seeker | None = None) -> PowerResource:
    """Make a place, named after the paths of its resources."""
    where = "+".join(path.removeprefix("/redfish/v1/").rstrip("/") for path in paths)
    return PowerResource(tuple(paths), find, where, again)


def _source(excerpt: Json) -> str | None:
    path = get_str(excerpt, "DataSourceUri").partition("#")[0]
    return path if path.startswith("/") else None


def _path(document: Json, name: str, base: str | None = None) -> str:
    usual = f"{(base or link(document) or '').rstrip('/')}/{name}"
    return link(document, name) or usual
