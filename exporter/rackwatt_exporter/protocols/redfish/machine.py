"""The machine whose watts are searched for: its own paths, and where its chassis is among others.

A name says what it measures in the words of the chassis that has it. `Chassis` of a blade is often
the enclosure around it, and `Node` of an enclosure is one of several.
"""

import re
from collections.abc import Collection
from enum import Enum
from typing import NamedTuple

from rackwatt_exporter.protocols.redfish.json import Json, count_of, get, get_str, linked, members

# Chassis types (DSP0268) that are in a machine, never a machine.
PARTS = frozenset(
    ("Card", "Cartridge", "Component", "Drive", "Expansion", "Module", "StorageEnclosure", "Zone")
)
# Types of one machine, whatever chassis is inside; any other may hold several.
MACHINES = frozenset(("RackMount", "StandAlone"))
# Types that are plugged into a chassis of several systems, and those that hold many machines.
NODES = frozenset(("Blade", "Sled"))
FACILITIES = frozenset(("Pod", "RackGroup", "Row"))
RACK = "Rack"  # of machines; Cisco's UCS C-Series say it of one machine
ENCLOSURE = "Enclosure"  # of blades as well as of one machine
_SYSTEM = re.compile(r"/redfish/v1/Systems/[^/#]+")


class Place(Enum):
    """Where a chassis is among others: nothing speaks of others, or within one, or around some."""

    ALONE = "alone"
    WITHIN = "within"
    AROUND = "around"


class Machine(NamedTuple):
    """Paths of a machine's chassis and system, and the place of the chassis that is looked into.

    `inside` are the chassis that it contains, which its power may be related to as well.
    """

    own: frozenset[str] = frozenset()
    place: Place = Place.ALONE
    inside: frozenset[str] = frozenset()

    @property
    def has_system(self) -> bool:
        """Whether one system is known to be the machine's; a PDU or a power shelf has none."""
        return any(map(_SYSTEM.match, self.own))


def machine_in(chassis: Json, own: Collection[str]) -> Machine:
    """Return the machine that has these paths, as seen from one of its chassis."""
    contained = linked(members(get(chassis, "Links"), "Contains"))
    inside = frozenset(path.rstrip("/") for path in contained)
    machine, kind = Machine(frozenset(own), inside=inside), get_str(chassis, "ChassisType")
    if kind in NODES or kind in PARTS:
        return machine._replace(place=Place.WITHIN)
    links = get(chassis, "Links")
    several = kind in (ENCLOSURE, RACK) or count_of(links, "ComputerSystems") > 1
    facility = kind in FACILITIES or (kind == RACK and count_of(links, "Contains") > 0)
    if facility or (several and not machine.has_system):
        return machine._replace(place=Place.AROUND)
    return machine
