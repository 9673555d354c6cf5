"""Choice of the chassis that is the machine of a system: the rules, each of them once.

1. A part is in a machine. It is one only where the service has no other chassis.
2. A chassis that lists systems, and not this one, is that of others. So is NVIDIA's board of GPUs
   for any system but its own: its host may be listed there too.
3. Of those that remain, one that lists the system comes before those that list none.
4. Several that remain are a doubt. Each may be one of two boxes of the machine, and none is chosen
   because it has watts: the next search might choose another.
5. One whose Id means a part or a supply is a doubt beside another that lists the system. OpenBMC's
   bmcweb says RackMount of every board, and its system names the first of them.
"""

from collections.abc import Iterable

from rackwatt_exporter.protocols.redfish.json import Json, get_str
from rackwatt_exporter.targets.redfish.relations import (
    holds,
    is_board,
    is_node,
    is_part,
    links_of,
    same_path,
    systems_in,
)


def candidates(chassis: Iterable[Json], system: Json) -> list[Json]:
    """Return the chassis that may be the machine of a system; several are a doubt."""
    whole = [each for each in chassis if not is_part(each) and not is_of_others(each, system)]
    return [each for each in whole if holds(each, system)] or whole


def in_place_of(chosen: Json, chassis: Iterable[Json], system: Json) -> list[Json]:
    """Return the chassis that may be the machine in place of one whose Id means a part."""
    others = [each for each in candidates(chassis, system) if holds(each, system)]
    return [each for each in outermost([chosen, *others]) if _path(each) != _path(chosen)]


def outermost(chassis: Iterable[Json]) -> list[Json]:
    """Leave out the chassis that are inside others of the list."""
    listed = list(chassis)
    known = {same_path(get_str(each, "@odata.id")) for each in listed} - {None}
    return [e for e in listed if same_path(_holder(e)) not in known - {_path(e)}]


def without_holders(chassis: list[Json]) -> list[Json]:
    """Leave out what blades and sleds of the list are plugged into: it has several of them."""
    nodes = [each for each in chassis if is_node(each)]
    paths = {_path(each) for each in nodes} - {None}
    holders = {same_path(_holder(each)) for each in nodes} - {None}
    around = (e for e in chassis if not paths.isdisjoint(map(same_path, links_of(e, "Contains"))))
    holders |= {_path(each) for each in around}
    return [each for each in chassis if _path(each) not in holders]


def is_of_others(chassis: Json, system: Json) -> bool:
    """Return whether a chassis is the machine of another system than this one."""
    listed = systems_in(chassis)
    others = bool(listed) and not holds(chassis, system)
    return others or (is_board(chassis) and not is_board(system))


def _path(chassis: Json) -> str | None:
    return same_path(get_str(chassis, "@odata.id"))


def _holder(chassis: Json) -> str:
    return get_str(chassis, "Links", "ContainedBy", "@odata.id")
