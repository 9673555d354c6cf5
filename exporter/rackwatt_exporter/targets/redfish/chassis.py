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

from rackwatt_exporter.protocols.redfish.json import (
    Json,
    count_of,
    get,
    get_str,
    last_part,
    link,
    linked,
    members,
)
from rackwatt_exporter.protocols.redfish.machine import ENCLOSURE, FACILITIES, NODES, PARTS
from rackwatt_exporter.protocols.redfish.names import shown
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.targets.redfish.collection import Look, listed, pages, resources
from rackwatt_exporter.targets.redfish.equipment import power_equipment

SYSTEMS = "/redfish/v1/Systems"
CHASSIS = "/redfish/v1/Chassis"

# Systems within or beside the machine that has them.
PART_SYSTEMS = frozenset(("Composed", "DPU", "OS", "Virtual", "VirtuallyPartitioned"))
LEVELS = 4


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
    served = await resources(look, SYSTEMS)
    systems = _whole_systems(served)
    count, known = count_of(await look(SYSTEMS)), len(await pages(look, SYSTEMS))
    if count > known:
        raise await _to_choose(look, f"this BMC counts {count} systems and lists {known}")
    if len(systems) > 1:
        raise await _to_choose(look, f"this BMC serves several systems ({_ids(systems)})")
    if not systems:
        return await _without_system(look)
    return await _of_system(look, systems[0], served)


async def chassis_ids(look: Look, besides: Collection[str] = ()) -> str:
    """Return the Ids of all chassis and all power equipment, for a message, but some."""
    ids = [last_part(path) for path in await listed(look, CHASSIS)]
    ids += [get_str(each, "Id") for each in await power_equipment(look)]
    return ", ".join(shown(each) for each in ids if each not in besides)[:400]


async def _named(look: Look, option: str) -> MachineChassis:
    chassis = await look(f"{CHASSIS}/{quote(option, safe='')}")
    if chassis is None:
        equipment = await power_equipment(look)
        chassis = next((each for each in equipment if get_str(each, "Id") == option), None)
    if chassis is None:
        raise await _to_choose(look, f"there is no chassis {option!r}")
    systems = _links(chassis, "ComputerSystems")
    alone = len(systems) == 1 == count_of(get(chassis, "Links"), "ComputerSystems")
    system = await look(systems[0]) if alone else None
    return MachineChassis((chassis,), _state(system, chassis), _own(system, chassis))


async def _of_system(look: Look, system: Json, served: list[Json]) -> MachineChassis:
    """Return the chassis that the system names; if none is a whole machine, those that name it.

    `served` are all systems of the service, which are in the machine or beside it.
    """
    inside = _own(*served) | {path.rstrip("/") for path in _links(system, "Chassis")}
    named = [await look(path) for path in _links(system, "Chassis")]
    listed_chassis = [each for each in named if each] or await resources(look, CHASSIS)
    outermost = _outermost(_without_holders(listed_chassis))
    shared = [each for each in outermost if await _may_be_shared(look, each, inside)]
    chassis = await _wholes(look, [e for e in outermost if e not in shared], system, inside)
    if all(map(_is_part, chassis)):
        naming = [each for each in await resources(look, CHASSIS) if _holds(each, system)]
        whole = [each for each in _without_holders(naming) if not _is_part(each)]
        alone = [each for each in whole if not await _may_be_shared(look, each, inside)]
        if (whole or shared) and not alone:
            ids = _ids({link(each): each for each in shared + whole}.values())
            raise await _to_choose(look, f"{ids} may hold other machines")
        chassis = alone or chassis
    if not chassis:
        raise await _to_choose(look, "no chassis of this system is a whole machine")
    return MachineChassis(tuple(chassis), _state(system, *chassis), _own(system, *chassis))


async def _wholes(
    look: Look, outermost: list[Json], system: Json, inside: frozenset[str]
) -> list[Json]:
    naming_first = sorted(outermost, key=lambda each: not _holds(each, system))
    around = [await _around(look, each, system, inside) for each in naming_first]
    return [each for chain in around for each in chain]


async def _around(look: Look, chassis: Json, system: Json, inside: frozenset[str]) -> list[Json]:
    """Return the chassis around this one that contain only this system, the outermost first."""
    chain = [chassis]
    for _ in range(LEVELS):
        if _is_node(chain[0]):
            break
        outer = link(chain[0], "Links", "ContainedBy")
        holder = await look(outer) if outer else None
        if not _holds(holder, system) or len(_links(holder, "ComputerSystems")) > 1:
            break
        if await _may_be_shared(look, holder, inside | _own(*chain)):
            break
        chain.insert(0, holder)
    return chain


async def _may_be_shared(look: Look, chassis: Json, inside: frozenset[str]) -> bool:
    """Return whether a chassis holds machines beside the one whose paths are `inside`, or may.

    The BMC of one node often lists only its own system in the enclosure, and cannot show the other
    nodes: a member that cannot be read, or is only counted, may be one. An enclosure that lists no
    members may have any chassis but parts in it, and not be that of the machine unless it lists its
    system.
    """
    kind = get_str(chassis, "ChassisType")
    contained = _links(chassis, "Contains")
    if kind in FACILITIES or _counts_others(chassis) or not _systems(chassis) <= inside:
        return True
    for path in contained:
        if path.rstrip("/") in inside:
            continue
        member = await look(path)
        if member is None or _is_node(member) or not _systems(member) <= inside:
            return True
    if contained or _is_node(chassis) or _is_part(chassis):
        return False
    own = _same(link(chassis))
    others = [each for each in await resources(look, CHASSIS) if _same(link(each)) != own]
    if kind == ENCLOSURE:
        return not (_systems(chassis) and all(map(_is_part, others)))
    return any(_is_node(e) and _same(link(e, "Links", "ContainedBy")) == own for e in others)


async def _without_system(look: Look) -> MachineChassis:
    """Return the only PDU or power shelf, else the only outermost chassis."""
    equipment = await power_equipment(look)
    outermost = equipment or _outermost(await resources(look, CHASSIS))
    if len(outermost) != 1:
        count = f"{len(outermost)} {'PDUs or power shelves' if equipment else 'chassis'}"
        raise await _to_choose(look, f"there are {count} and no system")
    return MachineChassis(tuple(outermost), _state(*outermost), _own(*outermost))


def _outermost(chassis: list[Json]) -> list[Json]:
    """Leave out chassis inside others of the list, and parts by their type unless it is alone."""
    known = {_same(link(each)) for each in chassis} - {None}
    outer = [e for e in chassis if _same(link(e, "Links", "ContainedBy")) not in known]
    if len(outer) == 1:
        return outer
    return [each for each in outer if not _is_part(each)]


def _without_holders(chassis: list[Json]) -> list[Json]:
    """Leave out what blades and sleds of the list are plugged into: it has several of them."""
    nodes = [each for each in chassis if _is_node(each)]
    paths = {_same(link(each)) for each in nodes} - {None}
    holders = {_same(link(each, "Links", "ContainedBy")) for each in nodes} - {None}
    around = (e for e in chassis if not paths.isdisjoint(map(_same, _links(e, "Contains"))))
    holders |= {_same(link(each)) for each in around}
    return [each for each in chassis if _same(link(each)) not in holders]


def _is_node(chassis: Json) -> bool:
    return get_str(chassis, "ChassisType") in NODES


def _is_part(chassis: Json) -> bool:
    return get_str(chassis, "ChassisType") in PARTS


def _holds(chassis: Json, system: Json) -> bool:
    return _same(link(system)) in _systems(chassis)


def _counts_others(chassis: Json) -> bool:
    """Return whether a chassis counts more systems, or chassis within, than it lists."""
    links = get(chassis, "Links")
    systems, contained = len(members(links, "ComputerSystems")), len(members(links, "Contains"))
    # One that is counted and not listed is the machine's own system.
    more_systems = count_of(links, "ComputerSystems") > max(systems, 1)
    return more_systems or count_of(links, "Contains") > contained


def _systems(chassis: Json) -> set[str]:
    return {path.rstrip("/") for path in _links(chassis, "ComputerSystems")}


def _whole_systems(systems: list[Json]) -> list[Json]:
    """Leave out DPUs, and NVIDIA's baseboards of GPUs where their host is listed too."""
    whole = [each for each in systems if get_str(each, "SystemType") not in PART_SYSTEMS]
    hosts = [each for each in whole if not get_str(each, "Id").startswith("HGX_")]
    return hosts or whole or systems


def _state(*documents: Json) -> str | None:
    """Return the path of the first resource that has a PowerState."""
    for each in documents:
        if get_str(each, "PowerState"):
            return link(each)
    return None


def _links(document: Json, name: str) -> list[str]:
    return linked(members(get(document, "Links"), name))


def _own(*documents: Json) -> frozenset[str]:
    """Return the paths of the resources that are the machine."""
    return frozenset(path.rstrip("/") for each in documents if (path := link(each)))


def _same(path: str | None) -> str | None:
    """Normalize a path: some services end them with a slash."""
    return path.rstrip("/") if path else None


async def _to_choose(look: Look, message: str) -> ReadError:
    ids = await chassis_ids(look)
    if not ids:
        message = "the service shows this user neither a chassis nor a PDU or power shelf"
        return ReadError(Reason.NO_POWER_SENSOR, message)
    message += f": name one in redfish.chassis; there are: {ids}"
    return ReadError(Reason.NO_POWER_SENSOR, message)


def _ids(documents: Iterable[Json]) -> str:
    return ", ".join(shown(get_str(each, "Id")) for each in documents)[:400]
