"""Parser of ipmitool's output in the C locale: pure functions.

Sensors are listed in the extended form, which distinguishes two of one name by their numbers. A
name may contain blanks and bars, never a line end.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

from rackwatt_exporter.plausibility import measured
from rackwatt_exporter.protocols.ipmi.sdr import SENSORS_REMEDY
from rackwatt_exporter.reading import Members, ReadError, Reason

DCMI_POWER_READING = ("dcmi", "power", "reading")
SENSORS = ("sdr", "elist", "full")
CHASSIS_POWER = ("chassis", "power", "status")

_SENSOR = re.compile(
    r"(.*)\| *([0-9A-F]{2,3})h *\| *([a-z]{2,3}) *\| *([0-9]{1,3}\.[0-9]{1,3}) *\|(.*)"
)
_VALUE = re.compile(r"(-?[0-9]{1,12}(?:\.[0-9]{1,12})?) ([^,]+)(?:,.*)?")
_CODE = re.compile(r"DCMI request failed because: .*\(([0-9a-f]{1,2})\)")
_ONE_NUMBER_REMEDY = (
    "Read the BMC by `method: ipmi`, which knows whose each sensor is; or name sensors of other "
    "numbers, or one name where both are of one sensor."
)
_RELATIVE = 0x60
_NO_STATUS, _WATTS = "ns", "Watts"
_NO_READING = frozenset({"no reading", "disabled", "not readable", "na", "ns", "unknown"})


class SensorLine(NamedTuple):
    """One sensor as ipmitool prints it.

    `value` and `unit` are None and empty where it prints no analog value: because the BMC gives no
    reading now, unless `readable`, or because the sensor has none at all.
    """

    name: str
    number: str
    entity: str
    readable: bool
    value: float | None
    unit: str

    @property
    def words(self) -> str:
        """Name and numbers of the sensor, for messages and lists of members."""
        return f"{self.name} (entity {self.entity}, number {self.number}h)"


class SensorListing(NamedTuple):
    """The sensors that ipmitool prints, and its lines of another format."""

    sensors: list[SensorLine]
    others: list[str]


def completion_code(errors: str) -> int | None:
    """Return the completion code of a DCMI request that failed, where ipmitool names one."""
    match = _CODE.search(errors)
    return int(match[1], 16) if match else None


def parse_sensors(output: bytes) -> SensorListing:
    """Parse the output of `ipmitool sdr elist full`."""
    sensors: list[SensorLine] = []
    others: list[str] = []
    for line in output.decode("utf-8", "replace").split("\n"):
        sensor = _parse_sensor(line.rstrip("\r"))
        if sensor is None:
            others.append(line)
        else:
            sensors.append(sensor)
    return SensorListing(sensors, others)


def sensors_in_watts(listing: SensorListing, names: Sequence[str]) -> list[SensorLine]:
    """List the sensors of these names that are in watts, all those of one name.

    A number is unique only behind one owner and LUN (IPMI v2.0 sections 33 and 35.14), neither of
    which ipmitool prints. Lines that are equal in all that it does print are one sensor.

    Raises:
        ReadError: no_power_sensor, where a name is not there or not of watts; bad_reply, where a
            line may be of one and cannot be read: the others would be a part of the sum;
            sensor_unreadable, where other lines have one number: they are one sensor, read twice
            at different moments or by two names, or sensors of several owners.
    """
    each_once = dict.fromkeys(names)
    for line in listing.others:
        if any(_may_be_of(name, line) for name in each_once):
            shown = "".join(c for c in line if c.isprintable())[:120]
            raise ReadError(
                Reason.BAD_REPLY, f"ipmitool prints a sensor in another format: {shown}"
            )
    found = [line for name in each_once for line in _in_watts(listing.sensors, name)]
    numbers = dict.fromkeys(line.number for line in found)
    return [_of_one_number([e for e in found if e.number == number]) for number in numbers]


def sum_watts(sensors: Sequence[SensorLine]) -> float:
    """Add up the watts of these sensors.

    Raises:
        ReadError: sensor_unreadable, where one gives no reading, or all together say 0 W.
    """
    failed: list[ReadError] = []
    total = 0.0
    for line in sensors:
        try:
            total += _watts(line)
        except ReadError as error:
            failed.append(error)
    members = Members(len(sensors), len(sensors) - len(failed))
    if failed:
        raise ReadError(failed[0].reason, str(failed[0]), members=members)
    if total <= 0:
        text = "the sensors named say 0 W, on a machine that runs"
        raise ReadError(Reason.SENSOR_UNREADABLE, text, members=members)
    return total


def says_powered_off(output: bytes) -> bool:
    """Return whether `ipmitool chassis power status` says that the machine is off."""
    return output.strip() == b"Chassis Power is off"


def _parse_sensor(line: str) -> SensorLine | None:
    match = _SENSOR.fullmatch(line)
    if match is None:
        return None
    name, number, status, entity, text = match.groups()
    name, text = name.rstrip(" "), text.strip(" ")
    value = _VALUE.fullmatch(text)
    unit = value[2].strip() if value else ""
    garbled = "Watt" in text and unit != _WATTS
    if status == _NO_STATUS or text.lower() in _NO_READING or garbled or not text:
        return SensorLine(name, number, entity, False, None, "")
    return SensorLine(name, number, entity, True, float(value[1]) if value else None, unit)


def _may_be_of(name: str, line: str) -> bool:
    """Return whether a line of another format may be of this sensor, cut anywhere."""
    start = line.strip()
    return name in line if "|" in line else bool(start) and name.startswith(start)


def _of_one_number(lines: Sequence[SensorLine]) -> SensorLine:
    """Return the line of a sensor, which may be listed several times.

    Instances of an entity from 60h on are relative to a controller, the others to the system (IPMI
    v2.0 section 39.1).
    """
    first, *others = lines
    instance = int(first.entity.partition(".")[2])
    if others and (instance >= _RELATIVE or any(other != first for other in others)):
        listed = ", ".join(line.words for line in lines[:4])
        text = f"ipmitool prints one number several times: {listed}"
        message = f"{text}: whether they are one sensor is unknown"
        raise ReadError(Reason.SENSOR_UNREADABLE, message, remedy=_ONE_NUMBER_REMEDY)
    return first


def _in_watts(sensors: Sequence[SensorLine], name: str) -> list[SensorLine]:
    """Return those in watts, and those that may be: ipmitool prints no unit without a reading."""
    named = [line for line in sensors if line.name == name]
    if not named:
        in_listing = ", ".join(line.name for line in sensors if line.unit == _WATTS)[:300]
        text = f"ipmitool prints no sensor {name!r}; in watts it prints: {in_listing or 'none'}"
        raise ReadError(Reason.NO_POWER_SENSOR, text, remedy=SENSORS_REMEDY)
    in_watts = [line for line in named if line.unit == _WATTS or not line.readable]
    if not in_watts:
        units = ", ".join(dict.fromkeys(line.unit[:40] or "no analog value" for line in named))
        text = f"sensor {name!r} is not in watts ({units})"
        raise ReadError(Reason.NO_POWER_SENSOR, text, remedy=SENSORS_REMEDY)
    return in_watts


def _watts(line: SensorLine) -> float:
    if line.value is None:
        raise ReadError(Reason.SENSOR_UNREADABLE, f"sensor {line.name!r} gives no reading now")
    return measured(line.value, f"sensor {line.name!r}")
