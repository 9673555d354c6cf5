"""Search for the chassis of the machine, and for the resource that has its power state.

One BMC may list an enclosure, several nodes, risers, GPUs and power supplies as chassis, and parts
are never added to the whole. The machine is the outermost chassis that contains its ComputerSystem
and no other: a blade or a sled is in an enclosure of several, whatever its BMC lists. A chassis
that may hold several is not the machine, though the system names no other. A list whose count is
more than its members may leave out a machine.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple
from urllib.parse import quote

from rackwatt_exporter.protocols.redfish.json import Json, count_of, get, get_str, last_part, link
from rackwatt_exporter.protocols.redfish.names import shown
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.redfish.collection import (
    Look,
    MemberListing,
    listed,
    listing,
    pages,
    resources,
)
from rackwatt_exporter.targets.redfish.equipment import power_equipment
from rackwatt_exporter.targets.redfish.relations import (
    holds,
    is_node,
    is_part,
    links_of,
    own_paths,
    same_path,
    unlisted_links,
)
from rackwatt_exporter.targets.redfish.sharing import CHASSIS, chassis_around, may_be_shared

SYSTEMS = "/redfish/v1/Systems"

# Systems within or beside the machine that has them.
PART_SYSTEMS = frozenset(("Composed", "DPU", "OS", "Virtual", "VirtuallyPartitioned"))
BASEBOARD = "HGX_"  # which the Ids of NVIDIA's boards of GPUs begin with


class MachineChassis(NamedTuple):
    """Chassis to search for watts, the whole before its parts, and the path of its power state.

    `own` are the paths of these chassis and of the one system in them.
    """

    chassis: tuple[Json, ...]
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
    systems = _whole_systems(served.resources)
    if served.unlisted:
        known = len(await pages(look, SYSTEMS))
        message = f"this BMC counts {known + served.unlisted} systems and lists {known}"
        raise await _to_choose(look, message)
    if len(systems) > 1:
        raise await _to_choose(look, f"this BMC serves several systems ({_ids(systems)})")
    # A baseboard of GPUs is no machine beside its host.
    unread = [p for p in served.unread if not (systems and last_part(p).startswith(BASEBOARD))]
    if unread:
        unknown = served._replace(unread=tuple(unread)).unknown
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
    chassis = await look(f"{CHASSIS}/{quote(option, safe='')}")
    if chassis is None:
        equipment = (await power_equipment(look)).resources
        chassis = next((each for each in equipment if get_str(each, "Id") == option), None)
    if chassis is None:
        raise await _to_choose(look, f"there is no chassis {option!r}")
    systems = links_of(chassis, "ComputerSystems")
    alone = len(systems) == 1 == count_of(get(chassis, "Links"), "ComputerSystems")
    system = await look(systems[0]) if alone else None
    return MachineChassis((chassis,), _state(system, chassis), own_paths(system, chassis))


async def _of_system(look: Look, system: Json, served: list[Json]) -> MachineChassis:
    """Return the chassis that the system names; if none is a whole machine, those that name it.

    `served` are all systems of the service, which are in the machine or beside it.
    """
    linked = links_of(system, "Chassis")
    if linked and (more := unlisted_links(system, "Chassis")) > 0:
        message = f"this system counts {len(linked) + more} chassis and lists {len(linked)}"
        raise await _to_choose(look, message)
    inside = own_paths(*served) | {path.rstrip("/") for path in linked}
    named = {path: await look(path) for path in linked}
    readable = [each for each in named.values() if each]
    outermost = _outermost(_without_holders(readable or await resources(look, CHASSIS)))
    shared = [each for each in outermost if await may_be_shared(look, each, inside)]
    chassis = await _wholes(look, [e for e in outermost if e not in shared], system, inside)
    if all(map(is_part, chassis)):
        naming = [each for each in await resources(look, CHASSIS) if holds(each, system)]
        whole = [each for each in _without_holders(naming) if not is_part(each)]
        alone = [each for each in whole if not await may_be_shared(look, each, inside)]
        if (whole or shared) and not alone:
            ids = _ids({link(each): each for each in shared + whole}.values())
            raise await _to_choose(look, f"{ids} may hold other machines")
        chassis = alone or chassis
    if unread := await _unread_whole(look, named, chassis, system):
        raise await _to_choose(look, f"of the chassis that may be the machine, {unread}")
    if not chassis:
        raise await _to_choose(look, "no chassis of this system is a whole machine")
    return MachineChassis(tuple(chassis), _state(system, *chassis), own_paths(system, *chassis))


async def _unread_whole(
    look: Look, named: dict[str, Json], chassis: list[Json], system: Json
) -> str:
    """Return which chassis may be the machine in place of those found, and cannot be read.

    A part may be in a chassis that the service only lists; another chassis, in one that the system
    names, unless it lists the system.
    """
    unread = tuple(path for path, each in named.items() if not each)
    if chassis and all(map(is_part, chassis)):
        known = await listing(look, CHASSIS)
        return known._replace(unread=tuple(dict.fromkeys(unread + known.unread))).unknown
    if len(unread) == len(named) or any(holds(each, system) for each in chassis):
        return ""
    return MemberListing([], unread).unknown


async def _wholes(
    look: Look, outermost: list[Json], system: Json, inside: frozenset[str]
) -> list[Json]:
    naming_first = sorted(outermost, key=lambda each: not holds(each, system))
    around = [await chassis_around(look, each, system, inside) for each in naming_first]
    return [each for chain in around for each in chain]


async def _without_system(look: Look) -> MachineChassis:
    """Return the only PDU or power shelf, else the only outermost chassis."""
    equipment = await power_equipment(look)
    has_equipment = equipment.resources or not equipment.whole
    known = equipment if has_equipment else await listing(look, CHASSIS)
    outermost = known.resources if has_equipment else _outermost(known.resources)
    what = "PDUs or power shelves" if has_equipment else "chassis"
    if len(outermost) == 1 and not known.whole:
        message = f"of the {what}, {known.unknown}, and there is no system"
        raise await _to_choose(look, message)
    if len(outermost) != 1:
        raise await _to_choose(look, f"there are {len(outermost)} {what} and no system")
    return MachineChassis(tuple(outermost), _state(*outermost), own_paths(*outermost))


def _outermost(chassis: list[Json]) -> list[Json]:
    """Leave out chassis inside others of the list, and parts by their type unless it is alone."""
    known = {same_path(link(each)) for each in chassis} - {None}
    outer = [e for e in chassis if same_path(link(e, "Links", "ContainedBy")) not in known]
    if len(outer) == 1:
        return outer
    return [each for each in outer if not is_part(each)]


def _without_holders(chassis: list[Json]) -> list[Json]:
    """Leave out what blades and sleds of the list are plugged into: it has several of them."""
    nodes = [each for each in chassis if is_node(each)]
    paths = {same_path(link(each)) for each in nodes} - {None}
    holders = {same_path(link(each, "Links", "ContainedBy")) for each in nodes} - {None}
    around = (e for e in chassis if not paths.isdisjoint(map(same_path, links_of(e, "Contains"))))
    holders |= {same_path(link(each)) for each in around}
    return [each for each in chassis if same_path(link(each)) not in holders]


def _whole_systems(systems: list[Json]) -> list[Json]:
    """Leave out DPUs, and NVIDIA's baseboards of GPUs where their host is listed too."""
    whole = [each for each in systems if get_str(each, "SystemType") not in PART_SYSTEMS]
    hosts = [each for each in whole if not get_str(each, "Id").startswith(BASEBOARD)]
    return hosts or whole or systems


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
