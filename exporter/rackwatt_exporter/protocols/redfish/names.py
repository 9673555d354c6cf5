"""Words of the names of Redfish's resources, and what they say: a supply's input, or a part.

Evidence is positive: a name means the whole machine (`whole`) only if every word of it is known to
do so, and a supply's input likewise. A word that is not known (`CPU`, `HDD`, `OCP`, whatever comes
next year) may name a part, so there is no list of parts that would have to be complete.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from rackwatt_exporter.protocols.redfish.json import Json, get_str

# Case, digits and other characters divide words: SystemBoardPwr, total_power, PS1Input. Letters
# outside ASCII make words that are not known.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W0-9_A-Za-z]+")
NUMBER = re.compile(r"[0-9]+")
_TOKEN = re.compile(rf"{_WORD.pattern}|{NUMBER.pattern}")
_VOLTAGE = re.compile(r"[0-9]+(\.[0-9]+)?[vV](?![a-z])")  # `PSU1 Output 12V` is of supply 1
# An Id that is no name: a number, a UUID, a serial number, or what replaces one in a capture.
_CODE = re.compile(
    r"(0x)?[0-9a-f]{1,4}|[0-9a-f-]{16,}|(?!.*[a-z]{3})(?=(.*[0-9]){6})[0-9a-z]{10,}|redacted-[0-9]+",
    re.IGNORECASE,
)


def vocabulary(listed: str) -> frozenset[str]:
    """Return the words of a list, which blanks separate."""
    return frozenset(listed.split())


WHOLE = vocabulary(
    "total overall system sys server chassis node machine platform blade sled pdu shelf "
    "consumption consumed usage"
)
# Words of one machine among several.
NODE = vocabulary("node blade sled system sys server machine")
_NODE_NUMBER = re.compile(rf"(?<![A-Za-z])({'|'.join(sorted(NODE))})[ _-]*[0-9]", re.IGNORECASE)
QUANTITY = vocabulary(
    "power pwr watts watt energy kwh joules control reading sensor meter metering measurement "
    "input in ac hsc now current present actual instantaneous the of"
)
SUPPLY = vocabulary("psu ps supply supplies psus")
INWARD = vocabulary("input in pin pinput ac")
_OUTWARD = vocabulary("output out pout poutput")
SUPPLY_WORDS = SUPPLY | QUANTITY | vocabulary("pin pinput slot bay unit")
# The longest first: findall takes the first match.
_KNOWN = sorted((word for word in WHOLE | QUANTITY if len(word) > 2), key=len, reverse=True)
_JOINED = re.compile("|".join(_KNOWN))
# Words that surely mean a part. They only overrule other evidence; nothing relies on all of them.
_PART = re.compile(
    r"cpu|processor|dimm|memory|dram|gpu|accelerat|pcie?|hdd|ssd|nvme|disk|drive|backplane|fan|riser|raid"
    r"|ocp|dpu|fpga|asic|sub.?system|rail|storage|nic\b|network|cooling|pump"
)
# Physical contexts (DSP2046) that contradict the whole machine in no way.
WHOLE_CONTEXTS = frozenset(("", "Chassis", "SystemBoard", "PowerSubsystem", "ACInput", "System"))
SUPPLY_CONTEXTS = frozenset(("PowerSupply", "PowerSupplyBay"))
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


def is_supply_input(document: Json) -> bool:
    """Return whether a sensor measures what one power supply takes in."""
    own = words_of(document)
    if WHOLE & own or limitations(document):
        return False
    if get_str(document, "PhysicalContext") in SUPPLY_CONTEXTS:
        inward = get_str(document, "PhysicalSubContext") == "Input" or bool(INWARD & own)
        return inward and not _OUTWARD & own
    named = bool(SUPPLY & own) and bool(INWARD & own)
    return named and own <= SUPPLY_WORDS


def limitations(document: Json) -> list[str]:
    """Return the fields by which a sensor measures less than all the power that goes in."""
    said = ((field, get_str(document, field)) for field in _OF_ALL)
    return [f"{field}: {value}" for field, value in said if value not in ("", _OF_ALL[field])]


def is_of_supply(document: Json) -> bool:
    """Return whether a sensor is one of a power supply, whatever it measures there."""
    by_context = get_str(document, "PhysicalContext") in SUPPLY_CONTEXTS
    return by_context or bool(SUPPLY & words_of(document))


def supply_of(document: Json) -> tuple[str, ...]:
    """Return which supply a sensor belongs to, as far as its name says: its numbers."""
    return tuple(NUMBER.findall(_VOLTAGE.sub("", display_name(document))))


def supply_named(name: str) -> tuple[str, ...]:
    """Return which supply a name says, by the number after the word; empty where it says none.

    Other numbers may be those of a fan or a temperature: `PSU1 Fan 2` is of supply 1.
    """
    numbers: list[str] = []
    after_supply = False
    for token in _TOKEN.findall(name):
        if not token.isdigit():
            after_supply = token.lower() in SUPPLY
            continue
        numbers.append(token)
        if after_supply:
            return tuple(numbers)
    return ()


def numbers_node(document: Json) -> bool:
    """Return whether a name is that of one of several nodes, by the number after: `Node2 Power`."""
    return any(_NODE_NUMBER.search(name) for name in names_of(document))


def is_part(document: Json) -> bool:
    """Return whether a sensor surely measures a part of a machine, by its context or its name."""
    context = get_str(document, "PhysicalContext")
    by_context = context not in WHOLE_CONTEXTS and names_part(context)
    return by_context or any(map(names_part, names_of(document)))


def names_part(name: str) -> bool:
    """Return whether a name surely means a part of a machine."""
    return _PART.search(name.lower()) is not None


def _label(name: str, identity: str) -> str:
    if not name or not identity:
        return name or identity or "member"
    return name if identity in name else f"{name} ({identity})"


def names_of(document: Json) -> tuple[str, ...]:
    """Return a resource's Name and Id unless they are codes; its MemberId if it has neither."""
    named = get_str(document, "Name"), get_str(document, "Id")
    names = tuple(name for name in named if name and not _CODE.fullmatch(name))
    return names or (get_str(document, "MemberId"),)


def words_of(document: Json) -> set[str]:
    """Return the words of all names of a resource."""
    return {each for name in names_of(document) for each in words(name)}
