"""Which chassis is the machine's, and which resource says whether the machine is on.

One BMC may list an enclosure, several nodes, risers, GPUs and power supplies as chassis, and parts
are never added to the whole. The machine is where its ComputerSystem is, as far out as the chassis
holds this system and no other.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple
from urllib.parse import quote

from rackwatt_exporter.protocols.redfish_json import Json, at, link, members, word
from rackwatt_exporter.reading import ReadError, Reason

SYSTEMS = "/redfish/v1/Systems"
CHASSIS = "/redfish/v1/Chassis"

# Chassis types (DSP0268) that are in a machine, never a machine.
PARTS = frozenset(
    ("Card", "Cartridge", "Component", "Drive", "Expansion", "Module", "StorageEnclosure", "Zone")
)
# Systems within or beside the machine that has them.
PART_SYSTEMS = frozenset(("Composed", "DPU", "OS", "Virtual", "VirtuallyPartitioned"))
LEVELS = 4

Look = Callable[[str], Awaitable[Json]]


class Machine(NamedTuple):
    """The chassis to look for watts in, the whole before its parts, and where its state is."""

    chassis: tuple[Json, ...]
    state: str | None


async def find_machine(look: Look, option: str | None) -> Machine:
    """Find the chassis that is asked for, or the one there is.

    `look` gives a resource, None where there is none.

    Raises:
        ReadError: no_power_sensor, with the chassis to choose from.
    """
    if option is not None:
        return await _named(look, option)
    systems = _whole_systems(await _members(look, SYSTEMS))
    if len(systems) > 1:
        told = f"this BMC serves several systems ({_ids(systems)})"
        raise await _to_choose(look, told)
    if not systems:
        return await _without_system(look)
    return await _of_system(look, systems[0])


async def _named(look: Look, option: str) -> Machine:
    chassis = await look(f"{CHASSIS}/{quote(option, safe='')}")
    if chassis is None:
        raise await _to_choose(look, f"there is no chassis {option!r}")
    linked = _links(chassis, "ComputerSystems")
    system = await look(linked[0]) if len(linked) == 1 else None
    return Machine((chassis,), _state(system, chassis))


async def _of_system(look: Look, system: Json) -> Machine:
    linked = [await look(path) for path in _links(system, "Chassis")]
    found = [each for each in linked if each] or await _members(look, CHASSIS)
    outermost = sorted(_outermost(found), key=lambda each: not _holds(each, system))
    if not outermost:
        raise await _to_choose(look, "no chassis of this system is a whole machine")
    around = [await _around(look, each, system) for each in outermost]
    chassis = [each for way in around for each in way]
    return Machine(tuple(chassis), _state(system, *chassis))


async def _around(look: Look, chassis: Json, system: Json) -> list[Json]:
    """Walk outwards while the next chassis, too, holds this system alone; outermost first."""
    way = [chassis]
    for _ in range(LEVELS):
        outer = link(way[0], "Links", "ContainedBy")
        holder = await look(outer) if outer else None
        if not _holds(holder, system) or len(_links(holder, "ComputerSystems")) > 1:
            break
        way.insert(0, holder)
    return way


async def _without_system(look: Look) -> Machine:
    """Take the one outermost chassis, of a power shelf or a PDU."""
    outermost = _outermost(await _members(look, CHASSIS))
    if len(outermost) != 1:
        raise await _to_choose(look, f"there are {len(outermost)} chassis and no system")
    return Machine(tuple(outermost), _state(*outermost))


def _outermost(chassis: list[Json]) -> list[Json]:
    """Leave out what another one of them contains, and parts by their type unless it is alone."""
    known = {_same(link(each)) for each in chassis} - {None}
    outer = [e for e in chassis if _same(link(e, "Links", "ContainedBy")) not in known]
    if len(outer) == 1:
        return outer
    return [each for each in outer if word(each, "ChassisType") not in PARTS]


def _holds(chassis: Json, system: Json) -> bool:
    held = {_same(path) for path in _links(chassis, "ComputerSystems")}
    return _same(link(system)) in held


def _whole_systems(systems: list[Json]) -> list[Json]:
    """Leave out DPUs, and NVIDIA's baseboards of GPUs where their host is listed too."""
    whole = [each for each in systems if word(each, "SystemType") not in PART_SYSTEMS]
    hosts = [each for each in whole if not word(each, "Id").startswith("HGX_")]
    return hosts or whole or systems


def _state(*documents: Json) -> str | None:
    """Tell the first resource that has a PowerState."""
    for each in documents:
        if word(each, "PowerState"):
            return link(each)
    return None


async def _members(look: Look, path: str) -> list[Json]:
    found = [await look(each) for each in _paths(members(await look(path)))]
    return [each for each in found if each]


def _links(document: Json, name: str) -> list[str]:
    return _paths(members(at(document, "Links"), name))


def _paths(references: Iterable[Json]) -> list[str]:
    return [path for each in references if (path := link(each))]


def _same(path: str | None) -> str | None:
    """Make two spellings of one path equal: some services end them with a slash."""
    return path.rstrip("/") if path else None


async def _to_choose(look: Look, told: str) -> ReadError:
    choice = _ids(await _members(look, CHASSIS)) or "none"
    return ReadError(
        Reason.NO_POWER_SENSOR, f"{told}: say which with redfish.chassis; there are: {choice}"
    )


def _ids(documents: Iterable[Json]) -> str:
    return ", ".join(word(each, "Id")[:60] for each in documents)[:400]
