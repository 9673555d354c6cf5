"""Excerpts of sensors (DSP2046) in metrics, each with the sensor that it is of.

An excerpt may have a reading of its own, and may refer to a sensor by DataSourceUri. That sensor
may say that it measures something else, in kW or percent, or that it does not work now. Some
services refer to a part of another resource, such as a member of PowerControl. Its own finder reads
that: here it says only whose the excerpt is.
"""

from typing import NamedTuple

from rackwatt_exporter.protocols.redfish.json import Json, get, get_str, last_part, pointed
from rackwatt_exporter.protocols.redfish.machine import Machine
from rackwatt_exporter.protocols.redfish.names import is_of_supply
from rackwatt_exporter.protocols.redfish.numbers import number
from rackwatt_exporter.protocols.redfish.ownership import belongs
from rackwatt_exporter.protocols.redfish.power import NotNamedError, in_other_units
from rackwatt_exporter.protocols.redfish.status import works
from rackwatt_exporter.protocols.redfish.whole import whole_rank
from rackwatt_exporter.targets.redfish.collection import Look


class _Source(NamedTuple):
    """What an excerpt is of: the resource at a path, or the part of it that is pointed to."""

    path: str
    pointer: str
    document: Json
    is_part: bool


async def sensor_of_whole(excerpt: Json, machine: Machine, look: Look) -> str | None:
    """Return the path of the sensor to read in place of a chassis' metrics; None: read these.

    Raises:
        NotNamedError: that sensor is not known to be of the whole machine, in watts.
    """
    source = await _source(excerpt, look)
    if source and not _is_of_whole(source, machine):
        raise NotNamedError("the metrics are those of sensor", [_described(source, machine)])
    return _to_read(excerpt, source)


async def sensor_of_input(excerpt: Json, machine: Machine, look: Look) -> str | None:
    """Return the path of the sensor to read in place of a supply's metrics; None: read these.

    Raises:
        NotNamedError: that sensor measures something else than power in watts.
    """
    source = await _source(excerpt, look)
    if source and in_other_units(source.document):
        described = _described(source, machine)
        raise NotNamedError("the input of a supply is that of sensor", [described])
    return _to_read(excerpt, source)


def short(path: str) -> str:
    """Return a path without what all of them begin with."""
    return path.removeprefix("/redfish/v1/").rstrip("/")


async def _source(excerpt: Json, look: Look) -> _Source | None:
    """Return what an excerpt is of, where it says so."""
    path, _, pointer = get_str(excerpt, "DataSourceUri").partition("#")
    if not path.startswith("/"):
        return None
    resource = await look(path)
    document = pointed(resource, pointer)
    return _Source(path, pointer, document, document is not resource)


def _to_read(excerpt: Json, source: _Source | None) -> str | None:
    """Return the path of a sensor that is to be read instead of an excerpt of it."""
    if source is None or source.is_part or source.document is None:
        return None
    has_reading = number(get(excerpt, "Reading")) is not None and works(source.document)
    return None if has_reading else source.path


def _is_of_whole(source: _Source, machine: Machine) -> bool:
    """Return whether metrics may be the machine's watts that are of this sensor.

    It may have a plain name, since metrics of a chassis refer to one sensor. Where it cannot be
    read, its Id has to be one of the whole machine.
    """
    path, _, document, is_part = source
    own = [each.lower() for each in machine.own]  # some services write their paths so
    if not belongs(path.lower(), own) or in_other_units(document):
        return False
    if not document:
        return not is_part and whole_rank({"Id": last_part(path)}, machine) > 0
    if is_part and not works(document):
        return False
    return whole_rank(document, machine, alone=not is_of_supply(document)) > 0


def _described(source: _Source, machine: Machine) -> str:
    """Return a sensor's Id for a message, with what else of it leaves a doubt."""
    path, pointer, document, is_part = source
    identity, name = last_part(path), get_str(document, "Name")
    described = identity if belongs(path, machine.own) and not is_part else short(path)
    described += f"#{pointer}" if is_part else ""
    if name and name != identity:
        described += f" ({name})"
    units = get_str(document, "ReadingUnits") or get_str(document, "ReadingType")
    return f"{described} in {units}" if in_other_units(document) else described
