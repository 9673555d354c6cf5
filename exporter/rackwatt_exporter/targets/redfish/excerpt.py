"""Excerpts of sensors (DSP2046) in metrics, each with the sensor that it is of.

An excerpt may have a reading of its own, and may refer to a sensor by DataSourceUri. That sensor
may say that it measures something else, in kW or percent, or that it does not work now.
"""

from rackwatt_exporter.protocols.redfish.json import Json, get, get_str, last_part
from rackwatt_exporter.protocols.redfish.machine import Machine
from rackwatt_exporter.protocols.redfish.names import is_of_supply
from rackwatt_exporter.protocols.redfish.numbers import number
from rackwatt_exporter.protocols.redfish.ownership import belongs
from rackwatt_exporter.protocols.redfish.power import NotNamedError, in_other_units
from rackwatt_exporter.protocols.redfish.status import works
from rackwatt_exporter.protocols.redfish.whole import whole_rank
from rackwatt_exporter.targets.redfish.collection import Look


async def sensor_of_whole(excerpt: Json, machine: Machine, look: Look) -> str | None:
    """Return the path of the sensor to read in place of a chassis' metrics; None: read these.

    Raises:
        NotNamedError: that sensor is not known to be of the whole machine, in watts.
    """
    path, sensor = await _source(excerpt, look)
    if path and not _is_of_whole(path, sensor, machine):
        raise NotNamedError("the metrics are those of sensor", [_described(path, sensor, machine)])
    return None if not sensor or _has_its_reading(excerpt, sensor) else path


async def sensor_of_input(excerpt: Json, machine: Machine, look: Look) -> str | None:
    """Return the path of the sensor to read in place of a supply's metrics; None: read these.

    Raises:
        NotNamedError: that sensor measures something else than power in watts.
    """
    path, sensor = await _source(excerpt, look)
    if path and in_other_units(sensor):
        described = _described(path, sensor, machine)
        raise NotNamedError("the input of a supply is that of sensor", [described])
    return None if not sensor or _has_its_reading(excerpt, sensor) else path


def short(path: str) -> str:
    """Return a path without what all of them begin with."""
    return path.removeprefix("/redfish/v1/").rstrip("/")


async def _source(excerpt: Json, look: Look) -> tuple[str | None, Json]:
    """Return the path of the sensor that an excerpt is of, and the sensor."""
    path = get_str(excerpt, "DataSourceUri").partition("#")[0]
    return (path, await look(path)) if path.startswith("/") else (None, None)


def _has_its_reading(excerpt: Json, sensor: Json) -> bool:
    """Return whether an excerpt has a reading, of a sensor that works."""
    return number(get(excerpt, "Reading")) is not None and works(sensor)


def _is_of_whole(path: str, sensor: Json, machine: Machine) -> bool:
    """Return whether metrics may be the machine's watts that refer to this sensor.

    It may have a plain name, since metrics of a chassis refer to one sensor. Where it cannot be
    read, its Id has to be one of the whole machine.
    """
    own = [each.lower() for each in machine.own]  # some services write their paths so
    if not belongs(path.lower(), own) or in_other_units(sensor):
        return False
    if not sensor:
        return whole_rank({"Id": last_part(path)}, machine) > 0
    alone = not is_of_supply(sensor)
    return whole_rank(sensor, machine, alone) > 0


def _described(path: str, sensor: Json, machine: Machine) -> str:
    """Return a sensor's Id for a message, with what else of it leaves a doubt."""
    identity, name = last_part(path), get_str(sensor, "Name")
    described = identity if belongs(path, machine.own) else short(path)
    if name and name != identity:
        described += f" ({name})"
    units = get_str(sensor, "ReadingUnits") or get_str(sensor, "ReadingType")
    return f"{described} in {units}" if in_other_units(sensor) else described
