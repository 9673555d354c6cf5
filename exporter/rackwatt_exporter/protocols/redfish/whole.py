"""Choice of the sensor or PowerControl of the whole machine, by names and by the tree.

A word that may mean another chassis than the one that has it is no evidence: `Chassis` of a blade,
or a total that names no node, may be of the enclosure around it and its supplies; `Node` of an
enclosure is one of several. The tree may still say whose it is.
"""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache

from rackwatt_exporter.protocols.redfish.json import Json, get_str, members
from rackwatt_exporter.protocols.redfish.machine import Machine, Place
from rackwatt_exporter.protocols.redfish.names import (
    INWARD,
    NODE,
    NUMBER,
    QUANTITY,
    SUPPLY,
    SUPPLY_CONTEXTS,
    SUPPLY_WORDS,
    WHOLE,
    WHOLE_CONTEXTS,
    limitations,
    names_of,
    names_part,
    numbers_node,
    supply_named,
    vocabulary,
    words,
    words_of,
)

# What a path of a chassis' own power ends with: the resource, or its control.
_OF_POWER = re.compile(r"/Power(Subsystem)?/?(#/PowerControl(/[0-9]+)?)?$")
_OWNER = re.compile(r"(/redfish/v1/(?:Systems|Chassis|PowerEquipment/[^/#]+)/)[^/#]+")

# These feed several machines: they are the whole of themselves alone.
_FEEDING = vocabulary("pdu shelf")
_TOTAL = vocabulary("total overall")


def whole_rank(document: Json, machine: Machine, alone: bool = False) -> int:
    """Return how surely a sensor or PowerControl is of the whole machine; 0: it is not known to be.

    What is of others too is not of the machine. A PowerControl that is `alone` is the chassis' by
    its schema, and needs no name that says so, unless that may mean another chassis. Where its name
    has a word that is not known, the tree has to say so.
    """
    if limitations(document):
        return 0
    own = machine.own
    related = _related(document, own)
    if related and (related.isdisjoint(own) or _of_others(related, own | machine.inside)):
        return 0
    context = get_str(document, "PhysicalContext")
    if context not in WHOLE_CONTEXTS and not (alone and context in SUPPLY_CONTEXTS):
        return 0
    if not (related or alone) and numbers_node(document):
        return 0
    names = names_of(document)
    elsewhere = may_be_elsewhere(names, machine)
    by_tree = bool(related) or (context == "Chassis" and not elsewhere)
    rank = _name_rank(names, machine.has_system, machine.place)
    if rank is None and any(map(supply_named, names)):
        return 0
    if rank is None:  # only the tree can say more than a word that is not known
        named = (get_str(document, "Name"),)
        whole = (_name_rank(named, machine.has_system, machine.place) or 0) > 1
        return int(by_tree and (alone or whole) and not any(map(names_part, names)))
    # Services call the control of an enclosure `System Power Control` too, and it has no other.
    by_schema = alone and not (elsewhere and machine.place is Place.WITHIN)
    return rank or int(by_tree or by_schema)


def surest(documents: Iterable[Json], machine: Machine, alone: bool = False) -> list[Json]:
    """Return those that are the surest to be of the whole machine; several are a doubt.

    The total of a chassis may be that of several nodes: beside the power of a node it is a doubt,
    and beside a node that has a number, any total of the chassis of a system is.
    """
    documents = list(documents)
    ranked = [(whole_rank(each, machine, alone), each) for each in documents]
    best = max((rank for rank, _ in ranked), default=0)
    found = [each for rank, each in ranked if rank == best and rank]
    of_chassis = all("chassis" in words_of(each) and not _names_node(each) for each in found)
    if found and machine.has_system and not any(_related(each, machine.own) for each in found):
        found += [each for rank, each in ranked if not rank and numbers_node(each)]
    nodes = [each for rank, each in ranked if 0 < rank < best and _names_node(each)]
    return found + nodes if of_chassis else found


def may_be_whole(document: Json, machine: Machine) -> bool:
    """Return whether the Name is one of the whole machine, and the Id or the chassis is a doubt."""
    anywhere = machine._replace(place=Place.ALONE)
    if whole_rank(document, anywhere) > 1:
        return True
    unnamed = {**document, "Id": ""} if get_str(document, "Name") else {}
    return whole_rank(unnamed, anywhere) > 1 and not names_part(get_str(document, "Id"))


def _names_node(document: Json) -> bool:
    return not NODE.isdisjoint(words_of(document))


@lru_cache(4096)
def _name_rank(names: tuple[str, ...], has_system: bool, place: Place) -> int | None:
    """Return how surely names mean the whole: 0 if they do not say, None if something else.

    A PDU or a power shelf is one that has no system of its own.
    """
    own = _all_words(names)
    elsewhere = _elsewhere(own, place)
    if _sums_supplies(own) and not elsewhere:
        return None if any(map(_numbers_supply, names)) else 3
    others = own - QUANTITY - (WHOLE - _FEEDING if has_system else WHOLE)
    if others and not (others == {"board"} and "consumption" in own):
        return None
    if elsewhere:
        return 0
    if _TOTAL & own:
        return 3
    return 2 if WHOLE & own else 0


def may_be_elsewhere(names: Iterable[str], machine: Machine) -> bool:
    """Return whether names may mean another chassis than the one that has them."""
    return _elsewhere(_all_words(names), machine.place)


def _elsewhere(own: set[str], place: Place) -> bool:
    if place is Place.WITHIN:
        return "chassis" in own or bool(_TOTAL & own and not NODE & own)
    return place is Place.AROUND and bool(NODE & own)


def _all_words(names: Iterable[str]) -> set[str]:
    return {each for name in names for each in words(name)}


def _sums_supplies(own: set[str]) -> bool:
    """Return whether this is the input of all supplies together: `PSU Total Input Power`."""
    total = "total" in own and bool(SUPPLY & own) and bool(INWARD & own)
    return total and own <= SUPPLY_WORDS | WHOLE


def _numbers_supply(name: str) -> bool:
    """Return whether a name has a number that may be of one supply: `PSU1_TotalInput`."""
    return bool(SUPPLY.intersection(words(name)) and NUMBER.search(name))


def _of_others(related: Collection[str], own: Collection[str]) -> bool:
    """Return whether a resource is of systems or chassis beside the machine's, or of their parts.

    Where the machine has no system, that of a resource says nothing; a PDU has no chassis.
    """
    ours, named = _owners(own), _owners(related)
    return any(kind in ours and not owners <= ours[kind] for kind, owners in named.items())


def _owners(paths: Collection[str]) -> dict[str, set[str]]:
    """Return the systems, the chassis and the equipment that paths are of, by collection."""
    owners: dict[str, set[str]] = {}
    for match in filter(None, map(_OWNER.match, paths)):
        owners.setdefault(match[1], set()).add(match[0])
    return owners


def _related(document: Json, own: Collection[str]) -> set[str]:
    """Return what the resource belongs to; the chassis' own resource of power does not matter.

    A part of a resource is not the resource: `Power#/PowerSupplies/0` is one supply.
    """
    items = members(document, "RelatedItem")
    paths = {get_str(item, "@odata.id").rstrip("/") for item in items} - {""}
    return {path for path in paths if _OF_POWER.sub("", path) not in own or path in own}
