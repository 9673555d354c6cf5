"""PDUs and power shelves that speak Redfish: members of PowerEquipment, beside all chassis."""

from rackwatt_exporter.protocols.redfish.json import Json, link
from rackwatt_exporter.targets.redfish.collection import Look, resources
from rackwatt_exporter.targets.redfish.resources import EQUIPMENT

# What measures power of its own; a transfer switch feeds PDUs, and would count them twice.
_KINDS = ("RackPDUs", "FloorPDUs", "PowerShelves")


async def power_equipment(look: Look) -> list[Json]:
    """Return the PDUs and power shelves of a service."""
    root = await look(EQUIPMENT)
    lists = [path for kind in _KINDS if (path := link(root, kind))]
    return [each for path in lists for each in await resources(look, path)]
