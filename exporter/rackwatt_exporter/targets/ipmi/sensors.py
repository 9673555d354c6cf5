"""Watts of named sensors: found in the SDR repository, then read, converted and summed.

A name may be that of several sensors, such as those of two power supplies: all of them are summed.
"""

import asyncio
import difflib

from rackwatt_exporter.plausibility import measured
from rackwatt_exporter.protocols.ipmi import message as message
from rackwatt_exporter.protocols.ipmi.completion_codes import CodeKind, CompletionError
from rackwatt_exporter.protocols.ipmi.sdr import SENSORS_REMEDY, Factors, Sensor
from rackwatt_exporter.protocols.ipmi.sdr_reader import SdrReader, repository_stamp
from rackwatt_exporter.protocols.ipmi.session import IpmiSession
from rackwatt_exporter.protocols.ipmi.transport import NoResponseError
from rackwatt_exporter.reading import Members, ReadError, Reading, Reason
from rackwatt_exporter.targets.membership import Membership

RECHECK_S = 600.0
_GET_READING = (message.NETFN_SENSOR, 0x2D)
_GET_FACTORS = (message.NETFN_SENSOR, 0x23)
_UNAVAILABLE, _SCANNING = 0x20, 0x40
_UNREADABLE = (Reason.SENSOR_UNREADABLE, Reason.BAD_REPLY)


class NamedSensors:
    """Some sensors of one BMC, by name, and their records.

    The repository's stamp is checked in a new session, after a sensor could not be read, and every
    ten minutes; the repository is read again if it has changed.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = tuple(dict.fromkeys(names))
        self._source = "sensor:" + "+".join(self._names)
        self._reader: SdrReader | None = None
        self._membership = Membership()
        self._members = Members(0, 0)
        self._sensors: tuple[Sensor, ...] = ()
        self._checked_in: IpmiSession | None = None
        self._checked_until_s = 0.0

    async def read(self, session: IpmiSession) -> Reading:
        """Read them all and add them up.

        Raises:
            ReadError: no_power_sensor, where a name does not exist or is not in watts;
                sensor_unreadable, where one has no value now or all are 0 W; member_missing; and
                as `IpmiSession.command`.
        """
        now_s = asyncio.get_running_loop().time()
        if self._checked_in is not session or now_s >= self._checked_until_s:
            self._checked_in = None
            self._sensors = await self._find(session)
            self._members = self._membership.check(map(_described, self._sensors))
            self._checked_in, self._checked_until_s = session, now_s + RECHECK_S
        watts = await self._sum_watts(session)
        if watts == 0:  # no running machine draws nothing
            text = f"{self._source} is 0 W, on a machine that runs"
            raise ReadError(Reason.SENSOR_UNREADABLE, text, members=self._members)
        return Reading(watts, self._source, members=self._members)

    async def _sum_watts(self, session: IpmiSession) -> float:
        total, failed = 0.0, []
        for sensor in self._sensors:
            try:
                total += await read_sensor(session, sensor)
            except ReadError as error:
                if isinstance(error, CompletionError) or error.reason not in _UNREADABLE:
                    raise
                failed.append(error)
        if failed:
            self._checked_in = None
            members = Members(len(self._sensors), len(self._sensors) - len(failed))
            first = failed[0]
            raise ReadError(first.reason, str(first), members=members, remedy=first.remedy)
        return total

    async def _find(self, session: IpmiSession) -> tuple[Sensor, ...]:
        """Find each name, again only if the repository has changed since the last time."""
        stamp = await repository_stamp(session)
        if self._reader is None or self._reader.stamp != stamp:
            self._reader = SdrReader(self._names, stamp)
        reader = self._reader
        try:
            await reader.read_all(session)
        except ReadError as error:
            if not _can_continue(error):
                self._reader = None
            raise
        sensors = [sensor for name in self._names for sensor in _power_sensors(name, reader)]
        return tuple({sensor.identity: sensor for sensor in sensors}.values())


async def read_sensor(session: IpmiSession, sensor: Sensor) -> float:
    """Read one sensor's value, in its own unit.

    Raises:
        ReadError: sensor_unreadable, where it has no value now; and as `IpmiSession.command`.
    """
    number = bytes((sensor.number,))
    try:
        data = await _request(session, sensor, "Get Sensor Reading", (_GET_READING, number), 2)
    except CompletionError as error:
        if error.kind in (CodeKind.PRIVILEGE, CodeKind.BUSY):  # the others would fail alike
            raise
        raise ReadError(Reason.SENSOR_UNREADABLE, str(error), remedy=error.remedy) from None
    if data[1] & _UNAVAILABLE:
        raise _unreadable(sensor, "the BMC marks its reading as unavailable")
    if not data[1] & _SCANNING:
        raise _unreadable(sensor, "the BMC does not scan it")
    factors = await _factors(session, sensor, data[0]) if sensor.non_linear else None
    return measured(sensor.value(data[0], factors), f"sensor {sensor.name!r}")


async def _factors(session: IpmiSession, sensor: Sensor, raw: int) -> Factors:
    data = bytes((sensor.number, raw))
    name = "Get Sensor Reading Factors"
    response = await _request(session, sensor, name, (_GET_FACTORS, data), 7)
    return Factors.parse(response[1:7])


async def _request(
    session: IpmiSession,
    sensor: Sensor,
    name: str,
    command: tuple[tuple[int, int], bytes],
    length: int,
) -> bytes:
    """Send a command, and its data, that concerns a sensor; each error names the sensor.

    Raises:
        ReadError: as `IpmiSession.command`; bad_reply for fewer than `length` bytes.
    """
    of_sensor = f"sensor {sensor.name!r}: {name}"
    try:
        response = await session.command(name, *command, sensor.lun)
    except CompletionError as error:
        raise CompletionError(of_sensor, error.code) from None
    except NoResponseError as error:
        raise NoResponseError(f"sensor {sensor.name!r}: {error}") from None
    if len(response) < length:
        raise ReadError(Reason.BAD_REPLY, f"{of_sensor} is truncated")
    return response


def _can_continue(error: ReadError) -> bool:
    """Return whether reading the repository can continue after an error."""
    if isinstance(error, CompletionError):
        return error.kind in (CodeKind.BUSY, CodeKind.TRANSIENT)
    return error.reason is Reason.TIMEOUT


def _power_sensors(name: str, reader: SdrReader) -> list[Sensor]:
    """List the sensors of a name that are in watts; one behind the BMC cannot be read here."""
    named = [sensor for sensor in reader.found if sensor.name == name]
    if not named and name in reader.names:
        text = f"sensor {name!r} has no analog value: its record is a compact one"
        raise ReadError(Reason.NO_POWER_SENSOR, text, remedy=SENSORS_REMEDY)
    if not named:
        text = f"no sensor is named {name!r}; {_others(name, reader)}"
        raise ReadError(Reason.NO_POWER_SENSOR, text, remedy=SENSORS_REMEDY)
    in_watts = [sensor for sensor in named if sensor.in_watts]
    if not in_watts:
        units = ", ".join(dict.fromkeys(sensor.unit for sensor in named))
        text = f"sensor {name!r} is not in watts ({units})"
        raise ReadError(Reason.NO_POWER_SENSOR, text, remedy=SENSORS_REMEDY)
    for sensor in in_watts:
        if sensor.owner != message.BMC_ADDRESS:
            text = (
                f"{_described(sensor)} is of a controller behind the BMC: bridging is not supported"
            )
            raise _unreadable(sensor, text)
    return in_watts


def _others(name: str, reader: SdrReader) -> str:
    nearest = difflib.get_close_matches(name, reader.names, n=3)
    if nearest:
        return f"nearest: {', '.join(nearest)}"
    in_watts = [other for other, in_watts in reader.names.items() if in_watts]
    return f"in watts there are: {', '.join(in_watts[:8]) or 'none'}"


def _described(sensor: Sensor) -> str:
    """Return name and numbers of a sensor, unique among all."""
    entity = "{}.{}".format(*sensor.entity)
    return (
        f"{sensor.name} (entity {entity}, owner {sensor.owner:02X}h,"
        f" LUN {sensor.lun}, number {sensor.number:02X}h)"
    )


def _unreadable(sensor: Sensor, why: str) -> ReadError:
    return ReadError(Reason.SENSOR_UNREADABLE, f"sensor {sensor.name!r}: {why}")
