"""PDUs and power shelves that speak Redfish: members of PowerEquipment, beside all chassis."""

from rackwatt_exporter.protocols.redfish.json import link
from rackwatt_exporter.targets.redfish.collection import Look, MemberListing, listing
from rackwatt_exporter.targets.redfish.resources import EQUIPMENT

# What measures power of its own; a transfer switch feeds PDUs, and would count them twice.
_KINDS = ("RackPDUs", "FloorPDUs", "PowerShelves")


async def power_equipment(look: Look) -> MemberListing:
    """Return the PDUs and power shelves of a service."""
    root = await look(EQUIPMENT)
    lists = [await listing(look, path) for kind in _KINDS if (path := link(root, kind))]
    return MemberListing(
        [each for one in lists for each in one.resources],
        tuple(path for one in lists for path in one.unread),
        sum(one.unlisted for one in lists),
    )
