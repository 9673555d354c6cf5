"""The places in a chassis where watts may be, the best first.

EnvironmentMetrics; Power, deprecated in 2020 and still the most common; the power supplies; the
sensors. What a chassis does not link is tried at its usual path: some services serve it all the
same.
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import NamedTuple

from rackwatt_exporter.protocols import redfish_power as power
from rackwatt_exporter.protocols.redfish_json import Json, link, members
from rackwatt_exporter.protocols.redfish_power import Finder
from rackwatt_exporter.reading import Reading

MOST_SENSORS = 48
EXPAND = "?$expand=.($levels=1)"
_OF_POWER = re.compile(r"p(o)?we?r|watt|psu|pin\b|energy|consum", re.IGNORECASE)

Look = Callable[[str], Awaitable[Json]]


class Place(NamedTuple):
    """The resources that tell a machine's watts, all of them needed, and how they are read."""

    paths: tuple[str, ...]
    find: Finder
    where: str

    async def read(self, look: Look) -> Reading | None:
        """Read it now; None where it holds no watts."""
        return self.find([await look(path) for path in self.paths], self.where)


async def places(
    look: Look, chassis: Json, *, average: bool, expands: bool
) -> AsyncGenerator[Place, None]:
    """Tell each place there may be; `average` leaves those with the BMC's own mean."""
    electric = _path(chassis, "Power")
    if average:
        yield _place((electric,), power.average_power)
        return
    yield _place((_path(chassis, "EnvironmentMetrics"),), power.environment_metrics)
    yield _place((electric,), power.power_control)
    yield _place((electric,), power.power_supplies)
    metrics = await _supply_metrics(look, chassis)
    if metrics:
        yield _place(metrics, power.supply_metrics)
    sensors = await _sensors(look, _path(chassis, "Sensors"), expands)
    if sensors:
        yield _place(sensors, power.sensors)


async def _supply_metrics(look: Look, chassis: Json) -> tuple[str, ...]:
    subsystem = await look(_path(chassis, "PowerSubsystem"))
    supplies = link(subsystem, "PowerSupplies")
    if supplies is None:
        return ()
    found = [await look(path) for path in _members(await look(supplies))]
    return tuple(_path(each, "Metrics") for each in found if power.present(each))


async def _sensors(look: Look, path: str, expands: bool) -> tuple[str, ...]:
    collection = await look(path + EXPAND if expands else path)
    found = members(collection)
    if not any("ReadingType" in each for each in found if isinstance(each, dict)):
        named = [each for each in _members(collection) if _OF_POWER.search(each[len(path) :])]
        found = [await look(each) for each in named[:MOST_SENSORS]]
    telling = (link(each) for each in power.telling_sensors(found))
    return tuple(each for each in telling if each)


def _place(paths: tuple[str, ...], find: Finder) -> Place:
    where = "+".join(path.removeprefix("/redfish/v1/").rstrip("/") for path in paths)
    return Place(paths, find, where)


def _path(document: Json, name: str) -> str:
    usual = f"{(link(document) or '').rstrip('/')}/{name}"
    return link(document, name) or usual


def _members(collection: Json) -> list[str]:
    return [path for each in members(collection) if (path := link(each))]
