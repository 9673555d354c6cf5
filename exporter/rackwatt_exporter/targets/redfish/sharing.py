"""Detection of a chassis that several machines share: its watts are not those of one."""

from collections.abc import Collection, Iterable

from rackwatt_exporter.protocols.redfish.json import Json, get_str, last_part, link
from rackwatt_exporter.protocols.redfish.machine import ENCLOSURE, FACILITIES, MACHINES, RACK
from rackwatt_exporter.targets.redfish.collection import Look, listing
from rackwatt_exporter.targets.redfish.relations import (
    holds,
    is_board,
    is_node,
    is_part,
    links_of,
    names_only_a_part,
    own_paths,
    same_path,
    systems_in,
    unlisted_links,
)

CHASSIS = "/redfish/v1/Chassis"
LEVELS = 4


async def outermost_around(look: Look, chassis: Json, system: Json, inside: frozenset[str]) -> Json:
    """Return the outermost chassis around this one that is of this system alone, or this one."""
    for _ in range(LEVELS):
        outer = None if is_node(chassis) else link(chassis, "Links", "ContainedBy")
        holder = await look(outer) if outer else None
        if not holds(holder, system) or len(links_of(holder, "ComputerSystems")) > 1:
            break
        if is_part(holder) or not _may_contain(holder, chassis, inside | own_paths(chassis)):
            break
        if await may_be_shared(look, holder, inside | own_paths(chassis)):
            break
        chassis = holder
    return chassis


async def parts_of(look: Look, paths: Iterable[str], own: Collection[str]) -> list[str]:
    """Return those of some chassis that are parts, and by their links within one of our own."""
    found = []
    for path in (each.rstrip("/") for each in paths):
        if not path.startswith(f"{CHASSIS}/") or path in own:
            continue
        chassis = await look(path)
        holder = same_path(link(chassis, "Links", "ContainedBy"))
        if holder in own and (is_part(chassis) or is_board(chassis)):
            found.append(path)
    return found


async def may_be_shared(look: Look, chassis: Json, inside: frozenset[str]) -> bool:
    """Return whether a chassis holds machines beside the one whose paths are `inside`, or may.

    The BMC of one node often lists only its own system in the enclosure, and cannot show the other
    nodes: a member that cannot be read, or is only counted, may be one. An enclosure or a rack that
    lists no members may have any chassis but parts in it, and not be that of the machine unless it
    lists its system.
    """
    kind, own = get_str(chassis, "ChassisType"), same_path(link(chassis))
    contained = [path for path in links_of(chassis, "Contains") if same_path(path) != own]
    if kind in FACILITIES or _counts_others(chassis) or not systems_in(chassis) <= inside:
        return True
    if kind == RACK and contained:
        return True
    for path in contained:
        member = await look(path)
        if member is None and (same_path(path) in inside or names_only_a_part(last_part(path))):
            continue
        if member is None or not _may_contain(chassis, member, inside):
            return True
    if contained or is_node(chassis) or is_part(chassis):
        return False
    known = await listing(look, CHASSIS)
    others = [each for each in known.resources if same_path(link(each)) != own]
    if kind in (ENCLOSURE, RACK):
        return not (systems_in(chassis) and known.whole and all(map(is_part, others)))
    within = (e for e in others if same_path(link(e, "Links", "ContainedBy")) == own)
    return not all(_may_contain(chassis, each, inside) for each in within)


def _may_contain(chassis: Json, member: Json, inside: frozenset[str]) -> bool:
    """Return whether a member leaves its chassis that of one machine, whose paths are `inside`.

    Parts do. What may be a machine does only where the type of the chassis is that of one machine.
    """
    if not systems_in(member) <= inside:
        return False
    one_machine = get_str(chassis, "ChassisType") in MACHINES and not is_node(member)
    return is_part(member) or is_board(member) or one_machine


def _counts_others(chassis: Json) -> bool:
    """Return whether a chassis counts more systems, or chassis within, than it lists."""
    # One that is counted and not listed is the machine's own system.
    own = 0 if systems_in(chassis) else 1
    return (
        unlisted_links(chassis, "ComputerSystems") > own or unlisted_links(chassis, "Contains") > 0
    )
