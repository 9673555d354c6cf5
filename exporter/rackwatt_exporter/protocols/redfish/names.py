"""What a Redfish resource measures by its names: the whole machine, a supply's input, or neither.

Evidence is positive: a name means the whole machine only if every word of it is known to do so, and
a supply's input likewise. A word that is not known (`CPU`, `HDD`, `OCP`, whatever comes next year)
may name a part, so there is no list of parts that would have to be complete.
"""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache

from rackwatt_exporter.protocols.redfish.json import Json, get_str, members

# Case, digits and other characters divide words: SystemBoardPwr, total_power, PS1Input.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_NUMBER = re.compile(r"[0-9]+")
_TOKEN = re.compile(rf"{_WORD.pattern}|{_NUMBER.pattern}")
_VOLTAGE = re.compile(r"[0-9]+(\.[0-9]+)?[vV](?![a-z])")  # `PSU1 Output 12V` is of supply 1
# What a path of a chassis' own power ends with: the resource, or its control.
_OF_POWER = re.compile(r"/Power(Subsystem)?/?(#/PowerControl(/[0-9]+)?)?$")
_SYSTEM = re.compile(r"/redfish/v1/Systems/[^/#]+")
_OWNER = re.compile(r"(/redfish/v1/(?:Systems|Chassis|PowerEquipment/[^/#]+)/)[^/#]+")
# An Id that is no name: a number, a UUID, a serial number, or what replaces one in a capture.
_CODE = re.compile(
    r"(0x)?[0-9a-f]{1,4}|[0-9a-f-]{16,}|(?!.*[a-z]{3})(?=(.*[0-9]){6})[0-9a-z]{10,}|redacted-[0-9]+",
    re.IGNORECASE,
)


def _vocabulary(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_WHOLE = _vocabulary(
    "total overall system sys server chassis node machine platform blade sled pdu shelf "
    "consumption consumed usage"
)
# Words of one machine among several.
_NODE = _vocabulary("node blade sled system sys server machine")
# These feed several machines: they are the whole of themselves alone.
_FEEDING = _vocabulary("pdu shelf")
_QUANTITY = _vocabulary(
    "power pwr watts watt energy kwh joules control reading sensor meter metering measurement "
    "input in ac hsc now current present actual instantaneous the of"
)
_SUPPLY = _vocabulary("psu ps supply supplies psus")
_INWARD = _vocabulary("input in pin ac")
_OUTWARD = _vocabulary("output out pout")
_SUPPLY_WORDS = _SUPPLY | _QUANTITY | _vocabulary("pin slot bay unit")
# The longest first: findall takes the first match.
_KNOWN = sorted((word for word in _WHOLE | _QUANTITY if len(word) > 2), key=len, reverse=True)
_JOINED = re.compile("|".join(_KNOWN))
# Words that surely mean a part. They only overrule other evidence; nothing relies on all of them.
_PART = re.compile(
    r"cpu|processor|dimm|memory|dram|gpu|accelerat|pcie?|hdd|ssd|nvme|disk|drive|backplane|fan|riser"
    r"|ocp|dpu|fpga|asic|sub.?system|rail|storage|nic\b|network|cooling|pump"
)
# Physical contexts (DSP2046) that contradict the whole machine in no way.
_WHOLE_CONTEXTS = frozenset(("", "Chassis", "SystemBoard", "PowerSubsystem", "ACInput", "System"))
_SUPPLY_CONTEXTS = frozenset(("PowerSupply", "PowerSupplyBay"))
# Fields of a sensor (DSP2046) whose other values mean a part of a power, or none that is drawn.
_OF_ALL = {"ReadingBasis": "Zero", "ElectricalContext": "Total", "PhysicalSubContext": "Input"}


@lru_cache(4096)
def words(name: str) -> tuple[str, ...]:
    """Divide a name into its words, in lower case and without numbers."""
    return tuple(each for match in _WORD.findall(name) for each in _divided(match.lower()))


def _divided(joined: str) -> list[str]:
    """Divide known words that are joined without a separator: `totalpower`."""
    known = _JOINED.findall(joined)
    return known if "".join(known) == joined else [joined]


def shown(name: object, max_length: int = 60) -> str:
    """Return a name for a message: printable, and not too long."""
    return "".join(c if c.isprintable() else "?" for c in str(name)[:max_length])


def display_name(document: Json) -> str:
    """Return a resource's name for people: its Name, else its Id."""
    return get_str(document, "Name") or get_str(document, "Id") or get_str(document, "MemberId")


def labels(named: Iterable[tuple[str, str]]) -> list[str]:
    """Return a label for each Name and Id, no two the same; it stays when others leave."""
    plain = [_label(name, identity) for name, identity in named]
    return [
        f"{each} [{index}]" if plain.count(each) > 1 else each for index, each in enumerate(plain)
    ]


def whole_rank(document: Json, own: Collection[str] = (), alone: bool = False) -> int:
    """Return how surely a sensor or PowerControl is of the whole machine; 0: it is not known to be.

    `own` are the paths of the machine's chassis and system. What is of others too is not of the
    machine. A PowerControl that is `alone` is the
    chassis' by its schema, and needs no name that says so. Where its name has a word that is not
    known, the tree has to say so.
    """
    if limitations(document):
        return 0
    related = _related(document, own)
    if related and (related.isdisjoint(own) or _of_others(related, own)):
        return 0
    context = get_str(document, "PhysicalContext")
    if context not in _WHOLE_CONTEXTS and not (alone and context in _SUPPLY_CONTEXTS):
        return 0
    by_tree = bool(related) or context == "Chassis"
    names = _names(document)
    feeds = not any(map(_SYSTEM.match, own))
    rank = _name_rank(names, feeds)
    if rank is None and any(map(supply_named, names)):
        return 0
    if rank is None:  # only the tree can say more than a word that is not known
        whole = (_name_rank((get_str(document, "Name"),), feeds) or 0) > 1
        return int(by_tree and (alone or whole) and not any(map(names_part, names)))
    return rank or int(by_tree or alone)


def surest(documents: Iterable[Json], own: Collection[str], alone: bool = False) -> list[Json]:
    """Return those that are the surest to be of the whole machine; several are a doubt.

    The total of a chassis may be that of several nodes: beside the power of a node it is a doubt.
    """
    ranked = [(whole_rank(each, own, alone), each) for each in documents]
    best = max((rank for rank, _ in ranked), default=0)
    found = [each for rank, each in ranked if rank == best and rank]
    of_chassis = all("chassis" in _words_of(each) and not _names_node(each) for each in found)
    nodes = [each for rank, each in ranked if 0 < rank < best and _names_node(each)]
    return found + nodes if of_chassis else found


def may_be_whole(document: Json, own: Collection[str] = ()) -> bool:
    """Return whether the Name is one of the whole machine, and only the Id leaves a doubt."""
    unnamed = {**document, "Id": ""} if get_str(document, "Name") else {}
    return whole_rank(unnamed, own) > 1 and not names_part(get_str(document, "Id"))


def is_supply_input(document: Json) -> bool:
    """Return whether a sensor measures what one power supply takes in."""
    own = _words_of(document)
    if _WHOLE & own or limitations(document):
        return False
    if get_str(document, "PhysicalContext") in _SUPPLY_CONTEXTS:
        inward = get_str(document, "PhysicalSubContext") == "Input" or bool(_INWARD & own)
        return inward and not _OUTWARD & own
    named = bool(_SUPPLY & own) and bool(_INWARD & own)
    return named and own <= _SUPPLY_WORDS


def limitations(document: Json) -> list[str]:
    """Return the fields by which a sensor measures less than all the power that goes in."""
    said = ((field, get_str(document, field)) for field in _OF_ALL)
    return [f"{field}: {value}" for field, value in said if value not in ("", _OF_ALL[field])]


def is_of_supply(document: Json) -> bool:
    """Return whether a sensor is one of a power supply, whatever it measures there."""
    by_context = get_str(document, "PhysicalContext") in _SUPPLY_CONTEXTS
    return by_context or bool(_SUPPLY & _words_of(document))


def supply_of(document: Json) -> tuple[str, ...]:
    """Return which supply a sensor belongs to, as far as its name says: its numbers."""
    return tuple(_NUMBER.findall(_VOLTAGE.sub("", display_name(document))))


def supply_named(name: str) -> tuple[str, ...]:
    """Return which supply a name says, by the number after the word; empty where it says none.

    Other numbers may be those of a fan or a temperature: `PSU1 Fan 2` is of supply 1.
    """
    numbers: list[str] = []
    after_supply = False
    for token in _TOKEN.findall(name):
        if not token.isdigit():
            after_supply = token.lower() in _SUPPLY
            continue
        numbers.append(token)
        if after_supply:
            return tuple(numbers)
    return ()


def is_part(document: Json) -> bool:
    """Return whether a sensor surely measures a part of a machine, by its context or its name."""
    context = get_str(document, "PhysicalContext")
    by_context = context not in _WHOLE_CONTEXTS and names_part(context)
    return by_context or any(map(names_part, _names(document)))


def names_part(name: str) -> bool:
    """Return whether a name surely means a part of a machine."""
    return _PART.search(name.lower()) is not None


def _label(name: str, identity: str) -> str:
    if not name or not identity:
        return name or identity or "member"
    return name if identity in name else f"{name} ({identity})"


def _names(document: Json) -> tuple[str, ...]:
    named = get_str(document, "Name"), get_str(document, "Id")
    names = tuple(name for name in named if name and not _CODE.fullmatch(name))
    return names or (get_str(document, "MemberId"),)


def _words_of(document: Json) -> set[str]:
    return {each for name in _names(document) for each in words(name)}


def _names_node(document: Json) -> bool:
    return not _NODE.isdisjoint(_words_of(document))


@lru_cache(4096)
def _name_rank(names: tuple[str, ...], feeds: bool) -> int | None:
    """Return how surely names mean the whole: 0 if they do not say, None if something else.

    `feeds` is of a PDU or a power shelf, which has no system of its own.
    """
    own = {each for name in names for each in words(name)}
    if _sums_supplies(own):
        return None if any(map(_numbers_supply, names)) else 3
    others = own - _QUANTITY - (_WHOLE if feeds else _WHOLE - _FEEDING)
    if others and not (others == {"board"} and "consumption" in own):
        return None
    if {"total", "overall"} & own:
        return 3
    return 2 if _WHOLE & own else 0


def _sums_supplies(own: set[str]) -> bool:
    """Return whether this is the input of all supplies together: `PSU Total Input Power`."""
    total = "total" in own and bool(_SUPPLY & own) and bool(_INWARD & own)
    return total and own <= _SUPPLY_WORDS | _WHOLE


def _numbers_supply(name: str) -> bool:
    """Return whether a name has a number that may be of one supply: `PSU1_TotalInput`."""
    return bool(_SUPPLY.intersection(words(name)) and _NUMBER.search(name))


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
