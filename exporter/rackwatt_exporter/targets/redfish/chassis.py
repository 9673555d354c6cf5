"""Search for the chassis of the machine, and for the resource that has its power state.

One BMC may list an enclosure, several nodes, risers, GPUs and power supplies as chassis, and parts
are never added to the whole. The machine is the outermost chassis that contains its ComputerSystem
and no other: a blade or a sled is in an enclosure of several, whatever its BMC lists. A chassis
that may hold several is not the machine, though the system names no other. A list whose count is
more than its members may leave out a machine. It is one chassis, by links and types alone: its
watts are looked for in no other, and not in what is inside it.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple
from urllib.parse import quote

from rackwatt_exporter.protocols.redfish.json import Json, count_of, get, get_str, last_part, link
from rackwatt_exporter.protocols.redfish.machine import ENCLOSURE, FACILITIES, RACK
from rackwatt_exporter.protocols.redfish.names import shown
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.redfish.candidates import (
    candidates,
    in_place_of,
    is_of_others,
    outermost,
    without_holders,
)
from rackwatt_exporter.targets.redfish.collection import (
    Look,
    MemberListing,
    listed,
    listing,
    pages,
    read_all,
)
from rackwatt_exporter.targets.redfish.equipment import power_equipment
from rackwatt_exporter.targets.redfish.relations import (
    holds,
    is_board,
    is_part,
    links_of,
    names_chassis,
    names_only_a_part,
    own_paths,
    unlisted_links,
    whole_systems,
)
from rackwatt_exporter.targets.redfish.sharing import CHASSIS, may_be_shared, outermost_around

SYSTEMS = "/redfish/v1/Systems"


class MachineChassis(NamedTuple):
    """The chassis to search for watts, and the path of its power state.

    `own` are the paths of the chassis and of the one system in it.
    """

    chassis: Json
    state: str | None
    own: frozenset[str]


async def find_machine(look: Look, option: str | None) -> MachineChassis:
    """Find the chassis that the settings name, or the only one.

    `look` returns a resource, None where there is none.

    Raises:
        ReadError: no_power_sensor, with the chassis to choose from.
    """
    if option is not None:
        return await _named(look, option)
    served = await listing(look, SYSTEMS)
    systems = whole_systems(served.resources)
    if served.unlisted:
        known = len(await pages(look, SYSTEMS))
        message = f"this BMC counts {known + served.unlisted} systems and lists {known}"
        raise await _to_choose(look, message)
    if len(systems) > 1:
        raise await _to_choose(look, f"this BMC serves several systems ({_ids(systems)})")
    # A baseboard of GPUs is no machine beside its host.
    unread = _whole_paths(served.unread, systems[0]) if systems else served.unread
    if unread:
        unknown = served._replace(unread=unread).unknown
        raise await _to_choose(look, f"of the systems that this BMC lists, {unknown}")
    if not systems:
        return await _without_system(look)
    return await _of_system(look, systems[0], served.resources)


async def chassis_ids(look: Look, besides: Collection[str] = ()) -> str:
    """Return the Ids of all chassis and all power equipment, for a message, but some."""
    ids = [last_part(path) for path in await listed(look, CHASSIS)]
    ids += [get_str(each, "Id") for each in (await power_equipment(look)).resources]
    return ", ".join(shown(each) for each in ids if each not in besides)[:400]


async def _named(look: Look, option: str) -> MachineChassis:
    if chassis := await look(f"{CHASSIS}/{quote(option, safe='')}"):
        system = await _only_system_in(look, chassis)
        return MachineChassis(chassis, _state(system, chassis), own_paths(system, chassis))
    for each in (await power_equipment(look)).resources:
        if get_str(each, "Id") == option:
            return MachineChassis(each, _state(each), own_paths(each))
    raise await _to_choose(look, f"there is no chassis {option!r}")


async def _only_system_in(look: Look, chassis: Json) -> Json:
    """Return the only system that a chassis lists; if it lists none, the only one that names it.

    One that names what may hold several is not all that is in it.
    """
    systems = links_of(chassis, "ComputerSystems")
    if counted := count_of(get(chassis, "Links"), "ComputerSystems"):
        return await look(systems[0]) if len(systems) == 1 == counted else None
    if get_str(chassis, "ChassisType") in FACILITIES | {ENCLOSURE, RACK}:
        return None
    served = await listing(look, SYSTEMS)
    naming = [each for each in whole_systems(served.resources) if names_chassis(each, chassis)]
    return naming[0] if len(naming) == 1 and served.whole else None


async def _of_system(look: Look, system: Json, served: list[Json]) -> MachineChassis:
    """Return the chassis that the system names; if none is a whole machine, one that names it.

    `served` are all systems of the service, which are in the machine or beside it.
    """
    linked = links_of(system, "Chassis")
    if linked and (more := unlisted_links(system, "Chassis")) > 0:
        message = f"this system counts {len(linked) + more} chassis and lists {len(linked)}"
        raise await _to_choose(look, message)
    inside = own_paths(*served) | {path.rstrip("/") for path in linked}
    named = await read_all(look, linked)
    known = named if linked else await listing(look, CHASSIS)
    found = await _found(look, known.resources, system, inside)
    if not found.chassis:
        known = await listing(look, CHASSIS)
        naming = [each for each in known.resources if holds(each, system)]
        found = (await _found(look, naming, system, inside))._replace(besides=found.shared)
        if not (found.chassis or found.shared or found.besides) and known.whole:
            found = found._replace(chassis=await _only_part(look, known.resources, system, inside))
        known = known._replace(unread=known.unread + (named.unread if named.resources else ()))
    elif all(holds(each, system) for each in found.chassis):  # what is not served is no other
        served_too = await listed(look, CHASSIS)
        known = known._replace(unread=tuple(p for p in known.unread if p in served_too))
    chassis = await _chosen(look, found, known._replace(unread=_whole_paths(known.unread, system)))
    chassis = await outermost_around(look, chassis, system, inside)
    if names_only_a_part(get_str(chassis, "Id")):
        known = await listing(look, CHASSIS)
        if others := in_place_of(chassis, known.resources, system):
            raise await _to_choose(look, f"this system may be in any of {_ids([chassis, *others])}")
    return MachineChassis(chassis, _state(system, chassis), own_paths(system, chassis))


class _Found(NamedTuple):
    """Chassis that may be the machine, and those that may hold others, in two lists."""

    chassis: list[Json]
    shared: list[Json]
    besides: Sequence[Json] = ()


async def _found(look: Look, listed: list[Json], system: Json, inside: frozenset[str]) -> _Found:
    """Find what may be the machine: the outermost that is not shared, by the rules."""
    left, shared = without_holders(listed), list[Json]()
    while True:
        outer = [each for each in outermost(left) if not is_part(each)]
        more = [each for each in outer if await may_be_shared(look, each, inside)]
        if not more:
            return _Found(candidates(outer, system), shared)
        shared += more
        left = [each for each in left if each not in more]


async def _only_part(
    look: Look, known: list[Json], system: Json, inside: frozenset[str]
) -> list[Json]:
    """Return the only chassis of a service, where it is a part, and of this system alone."""
    part = len(known) == 1 and is_part(known[0]) and not is_of_others(known[0], system)
    return known if part and not await may_be_shared(look, known[0], inside) else []


async def _chosen(look: Look, found: _Found, known: MemberListing) -> Json:
    """Return the one chassis that was found.

    Raises:
        ReadError: it is not one, or another that cannot be read may be the machine.
    """
    shared = {link(each): each for each in [*found.besides, *found.shared]}.values()
    if shared and not found.chassis:
        raise await _to_choose(look, f"{_ids(shared)} may hold other machines")
    if known.unknown:
        raise await _to_choose(look, f"of the chassis that may be the machine, {known.unknown}")
    if len(found.chassis) > 1:
        raise await _to_choose(look, f"this system may be in any of {_ids(found.chassis)}")
    if not found.chassis:
        raise await _to_choose(look, "no chassis of this system is a whole machine")
    return found.chassis[0]


def _whole_paths(paths: Iterable[str], system: Json) -> tuple[str, ...]:
    """Leave out the paths of parts by their Ids, and of boards of GPUs beside their host."""
    besides_board = not is_board(system)
    known = {path: last_part(path) for path in paths}
    boards = {path for path, name in known.items() if besides_board and is_board({"Id": name})}
    return tuple(p for p, name in known.items() if p not in boards and not names_only_a_part(name))


async def _without_system(look: Look) -> MachineChassis:
    """Return the only PDU or power shelf, else the only outermost chassis."""
    equipment = await power_equipment(look)
    has_equipment = equipment.resources or not equipment.whole
    known = equipment if has_equipment else await listing(look, CHASSIS)
    whole = known.resources if has_equipment else _whole(known.resources)
    what = "PDUs or power shelves" if has_equipment else "chassis"
    if len(whole) == 1 and not known.whole:
        message = f"of the {what}, {known.unknown}, and there is no system"
        raise await _to_choose(look, message)
    if len(whole) != 1:
        raise await _to_choose(look, f"there are {len(whole)} {what} and no system")
    return MachineChassis(whole[0], _state(*whole), own_paths(*whole))


def _whole(chassis: list[Json]) -> list[Json]:
    """Leave out chassis inside others of the list, and parts unless there is only one."""
    outer = outermost(chassis)
    return outer if len(outer) == 1 else [each for each in outer if not is_part(each)]


def _state(*documents: Json) -> str | None:
    """Return the path of the first resource that has a PowerState."""
    for each in documents:
        if get_str(each, "PowerState"):
            return link(each)
    return None


async def _to_choose(look: Look, message: str) -> ReadError:
    ids = await chassis_ids(look)
    if not ids:
        message = "the service shows this user neither a chassis nor a PDU or power shelf"
        return ReadError(Reason.NO_POWER_SENSOR, message)
    message += f": name one in redfish.chassis; there are: {ids}"
    return ReadError(Reason.NO_POWER_SENSOR, message)


def _ids(documents: Iterable[Json]) -> str:
    return ", ".join(shown(get_str(each, "Id")) for each in documents)[:400]
