"""Relations of systems and chassis, by their links and types (DSP0268)."""

from rackwatt_exporter.protocols.redfish.json import (
    Json,
    count_of,
    get,
    get_str,
    link,
    linked,
    members,
)
from rackwatt_exporter.protocols.redfish.machine import NODES, PARTS
from rackwatt_exporter.protocols.redfish.names import NODE, SUPPLY, WHOLE, names_part, words

BASEBOARD = "HGX_"  # which the Ids of NVIDIA's boards of GPUs begin with
# Systems within or beside the machine that has them.
PART_SYSTEMS = frozenset(("Composed", "DPU", "OS", "Virtual", "VirtuallyPartitioned"))
_DPU = frozenset(("dpu", "bluefield"))


def links_of(document: Json, name: str) -> list[str]:
    """Return the paths that a resource lists in its Links."""
    return linked(members(get(document, "Links"), name))


def unlisted_links(document: Json, name: str) -> int:
    """Return how many links a resource counts and does not list."""
    links = get(document, "Links")
    return count_of(links, name) - len(members(links, name))


def systems_in(chassis: Json) -> set[str]:
    """Return the paths of the systems that a chassis lists."""
    return {path.rstrip("/") for path in links_of(chassis, "ComputerSystems")}


def holds(chassis: Json, system: Json) -> bool:
    """Return whether a chassis lists a system."""
    return same_path(link(system)) in systems_in(chassis)


def names_chassis(system: Json, chassis: Json) -> bool:
    """Return whether a system lists a chassis."""
    return same_path(link(chassis)) in map(same_path, links_of(system, "Chassis"))


def is_node(chassis: Json) -> bool:
    """Return whether a chassis is plugged into one of several systems."""
    return get_str(chassis, "ChassisType") in NODES


def is_part(chassis: Json) -> bool:
    """Return whether a chassis is in a machine, and never is one.

    One without a type is a part where its Id surely means one: `Riser`.
    """
    if kind := get_str(chassis, "ChassisType"):
        return kind in PARTS
    return names_only_a_part(get_str(chassis, "Id"))


def names_only_a_part(name: str) -> bool:
    """Return whether the Id of a chassis surely means a part, or a supply: `Riser3`, `PSU1`."""
    own = set(words(name))
    if not NODE.isdisjoint(own):
        return False
    return names_part(name) or (not SUPPLY.isdisjoint(own) and WHOLE.isdisjoint(own))


def is_part_system(system: Json) -> bool:
    """Return whether a system is in the machine of another one.

    One without a type is a DPU where its Id says so: `Bluefield`.
    """
    if kind := get_str(system, "SystemType"):
        return kind in PART_SYSTEMS
    own = set(words(get_str(system, "Id")))
    return not _DPU.isdisjoint(own) and NODE.isdisjoint(own)


def whole_systems(systems: list[Json]) -> list[Json]:
    """Leave out DPUs, and NVIDIA's baseboards of GPUs where their host is listed too."""
    whole = [each for each in systems if not is_part_system(each)]
    hosts = [each for each in whole if not is_board(each)]
    return hosts or whole or systems


def is_board(resource: Json) -> bool:
    """Return whether a system or a chassis is one of NVIDIA's boards of GPUs, or on one."""
    return get_str(resource, "Id").startswith(BASEBOARD)


def own_paths(*documents: Json) -> frozenset[str]:
    """Return the paths of the resources that are the machine."""
    return frozenset(path.rstrip("/") for each in documents if (path := link(each)))


def same_path(path: str | None) -> str | None:
    """Normalize a path: some services end them with a slash."""
    return path.rstrip("/") if path else None
