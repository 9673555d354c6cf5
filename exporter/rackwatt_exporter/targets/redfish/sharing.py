"""Whether a chassis holds machines beside one, or may: its watts are then not those of one."""

from rackwatt_exporter.protocols.redfish.json import Json, get_str, link
from rackwatt_exporter.protocols.redfish.machine import ENCLOSURE, FACILITIES, RACK
from rackwatt_exporter.targets.redfish.collection import Look, listing
from rackwatt_exporter.targets.redfish.relations import (
    holds,
    is_node,
    is_part,
    links_of,
    own_paths,
    same_path,
    systems_in,
    unlisted_links,
)

CHASSIS = "/redfish/v1/Chassis"
LEVELS = 4


async def chassis_around(
    look: Look, chassis: Json, system: Json, inside: frozenset[str]
) -> list[Json]:
    """Return the chassis around this one that contain only this system, the outermost first."""
    chain = [chassis]
    for _ in range(LEVELS):
        if is_node(chain[0]):
            break
        outer = link(chain[0], "Links", "ContainedBy")
        holder = await look(outer) if outer else None
        if not holds(holder, system) or len(links_of(holder, "ComputerSystems")) > 1:
            break
        if await may_be_shared(look, holder, inside | own_paths(*chain)):
            break
        chain.insert(0, holder)
    return chain


async def may_be_shared(look: Look, chassis: Json, inside: frozenset[str]) -> bool:
    """Return whether a chassis holds machines beside the one whose paths are `inside`, or may.

    The BMC of one node often lists only its own system in the enclosure, and cannot show the other
    nodes: a member that cannot be read, or is only counted, may be one. An enclosure or a rack that
    lists no members may have any chassis but parts in it, and not be that of the machine unless it
    lists its system.
    """
    kind = get_str(chassis, "ChassisType")
    contained = links_of(chassis, "Contains")
    if kind in FACILITIES or _counts_others(chassis) or not systems_in(chassis) <= inside:
        return True
    if kind == RACK and contained:
        return True
    for path in contained:
        if path.rstrip("/") in inside:
            continue
        member = await look(path)
        if member is None or is_node(member) or not systems_in(member) <= inside:
            return True
    if contained or is_node(chassis) or is_part(chassis):
        return False
    own, known = same_path(link(chassis)), await listing(look, CHASSIS)
    others = [each for each in known.resources if same_path(link(each)) != own]
    if kind in (ENCLOSURE, RACK):
        return not (systems_in(chassis) and known.whole and all(map(is_part, others)))
    return any(is_node(e) and same_path(link(e, "Links", "ContainedBy")) == own for e in others)


def _counts_others(chassis: Json) -> bool:
    """Return whether a chassis counts more systems, or chassis within, than it lists."""
    # One that is counted and not listed is the machine's own system.
    own = 0 if systems_in(chassis) else 1
    return (
        unlisted_links(chassis, "ComputerSystems") > own or unlisted_links(chassis, "Contains") > 0
    )
