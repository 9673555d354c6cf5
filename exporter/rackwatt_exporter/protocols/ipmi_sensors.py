"""The watts of named sensors: each found once in the SDR repository, then read and converted."""

import difflib

from rackwatt_exporter.protocols import ipmi_message as message
from rackwatt_exporter.protocols.ipmi_session import CompletionError, Session
from rackwatt_exporter.protocols.sdr import Factors, Sensor
from rackwatt_exporter.protocols.sdr_repository import SdrWalk, repository_stamp
from rackwatt_exporter.reading import ReadError, Reason

_GET_READING = (message.NETFN_SENSOR, 0x2D)
_GET_FACTORS = (message.NETFN_SENSOR, 0x23)
_UNAVAILABLE, _SCANNING = 0x20, 0x40
# What BMCs say of a sensor that their repository knows and they do not have.
_ABSENT = frozenset({message.OUT_OF_RANGE, message.NOT_PRESENT, message.INVALID_FIELD, 0xD5})


class NamedSensors:
    """Some sensors of one BMC, by name, and where they were found."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = tuple(dict.fromkeys(names))
        self._walk: SdrWalk | None = None
        self._checked_in: Session | None = None
        self._sensors: tuple[Sensor, ...] = ()

    async def watts(self, session: Session) -> float:
        """Read them all and add them up, in watts.

        Raises:
            ReadError: no_power_sensor, where a name is not there or not in watts;
                sensor_unreadable, where one has no value now; and as `Session.command`.
        """
        if self._checked_in is not session or not self._sensors:
            self._sensors = await self._find(session)
            self._checked_in = session
        total = 0.0
        for sensor in self._sensors:
            total += await read_sensor(session, sensor)
        return total

    async def _find(self, session: Session) -> tuple[Sensor, ...]:
        """Find each name, anew only if the repository has changed since the last walk."""
        stamp = await repository_stamp(session)
        if self._walk is None or self._walk.stamp != stamp:
            self._walk = SdrWalk(self.names, stamp)
        walk = self._walk
        try:
            await walk.go_on(session)
        except ReadError as error:
            if error.reason is not Reason.TIMEOUT:
                self._walk = None
            raise
        return tuple(_power_sensor(name, walk.found) for name in self.names)


async def read_sensor(session: Session, sensor: Sensor) -> float:
    """Read one sensor's value, in its own unit.

    Raises:
        ReadError: sensor_unreadable, where it has no value now; and as `Session.command`.
    """
    number = bytes((sensor.number,))
    try:
        data = await session.command("Get Sensor Reading", _GET_READING, number, sensor.lun)
    except CompletionError as error:
        if error.code not in _ABSENT:
            raise
        raise _unreadable(sensor, "it is not present now") from None
    if len(data) < 2:
        raise ReadError(Reason.BAD_REPLY, "Get Sensor Reading is cut short")
    if data[1] & _UNAVAILABLE or not data[1] & _SCANNING:
        raise _unreadable(sensor, "the BMC marks its reading as unavailable")
    factors = await _factors(session, sensor, data[0]) if sensor.non_linear else None
    value = sensor.value(data[0], factors)
    if value < 0:
        raise _unreadable(sensor, f"it says {value:g} W")
    return value


async def _factors(session: Session, sensor: Sensor, raw: int) -> Factors:
    data = bytes((sensor.number, raw))
    answer = await session.command("Get Sensor Reading Factors", _GET_FACTORS, data, sensor.lun)
    if len(answer) < 7:
        raise ReadError(Reason.BAD_REPLY, "Get Sensor Reading Factors is cut short")
    return Factors.parse(answer[1:7])


def _power_sensor(name: str, found: dict[str, Sensor]) -> Sensor:
    sensor = found.get(name)
    if sensor is None:
        raise ReadError(
            Reason.NO_POWER_SENSOR, f"no sensor is named {name!r}; {_others(name, found)}"
        )
    if not sensor.in_watts:
        text = f"sensor {name!r} is not in watts ({sensor.unit})"
        raise ReadError(Reason.NO_POWER_SENSOR, text)
    if sensor.owner != message.BMC_ADDRESS:
        text = f"it belongs to controller {sensor.owner:02X}h behind the BMC, and is not bridged to"
        raise _unreadable(sensor, text)
    return sensor


def _others(name: str, found: dict[str, Sensor]) -> str:
    nearest = difflib.get_close_matches(name, found, n=3)
    if nearest:
        return f"nearest: {', '.join(nearest)}"
    in_watts = [sensor.name for sensor in found.values() if sensor.in_watts]
    return f"in watts there are: {', '.join(in_watts[:8]) or 'none'}"


def _unreadable(sensor: Sensor, why: str) -> ReadError:
    return ReadError(Reason.SENSOR_UNREADABLE, f"sensor {sensor.name!r}: {why}")
