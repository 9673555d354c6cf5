"""Ownership of a resource: of the machine or not, by its path and by what it says it feeds.

A node's BMC often links to the resources of the enclosure around it, or lists them as its own, and
supplies of the enclosure feed all its nodes. Their watts are those of the chassis that they belong
to, wherever a link to them was found; a supply in the chassis of a blade, a sled or a part has to
say that it feeds that alone.
"""

from collections.abc import Collection

from rackwatt_exporter.protocols.redfish.json import Json, get, linked, members
from rackwatt_exporter.protocols.redfish.machine import Machine, Place
from rackwatt_exporter.protocols.redfish.whole import whole_rank


def belongs(path: str, own: Collection[str]) -> bool:
    """Return whether a resource is one of the machine's own, or below one of them."""
    return any(path == each or path.startswith(f"{each}/") for each in own)


def may_feed_others(document: Json, own: Collection[str], place: Place) -> bool:
    """Return whether a supply, or its sensor, may be of others than the machine too.

    It says so by RelatedItem, or by Links.PoweringChassis (DSP2046, PowerSupply). Within another
    chassis it has to name the machine.
    """
    said = _said(document)
    # A supply may be related to parts of the machine alone, and is of the machine nevertheless.
    ours = [{"@odata.id": path} for path in own]
    machine = Machine(frozenset(own))
    if place is Place.WITHIN and frozenset(own).isdisjoint(
        path.rstrip("/") for path in linked(said)
    ):
        return True
    return bool(said) and whole_rank({"RelatedItem": said + ours}, machine, alone=True) == 0


def fed_by(document: Json) -> list[str]:
    """Return the paths of what a supply says that it feeds."""
    return linked(_said(document))


def shared_supplies(place: Place) -> str:
    """Return what is said of supplies that may feed others than the machine, before their names."""
    if place is Place.WITHIN:
        return "this chassis is within another, and others may share the supplies"
    return "other chassis or systems share the supplies"


def _said(document: Json) -> list[Json]:
    return members(document, "RelatedItem") + members(get(document, "Links"), "PoweringChassis")
