"""Power of one BMC over an open session: DCMI first, then the named sensors."""

from rackwatt_exporter.config.options import IpmiOptions
from rackwatt_exporter.protocols.ipmi import dcmi
from rackwatt_exporter.protocols.ipmi import message as message
from rackwatt_exporter.protocols.ipmi.completion_codes import CompletionError
from rackwatt_exporter.protocols.ipmi.session import IpmiSession
from rackwatt_exporter.protocols.ipmi.transport import NoResponseError
from rackwatt_exporter.reading import ReadError, Reading, Reason
from rackwatt_exporter.targets.ipmi.dcmi_absence import DcmiAbsence, DcmiSilence
from rackwatt_exporter.targets.ipmi.sensors import NamedSensors
from rackwatt_exporter.targets.power_state import PowerStateMonitor

_GET_CHASSIS_STATUS = (message.NETFN_CHASSIS, 0x01)
_POWER_IS_ON = 0x01
_CONCLUSIVE = (Reason.TIMEOUT, Reason.CONNECTION_REFUSED, Reason.UNREACHABLE, Reason.POWERED_OFF)

_DCMI = "DCMI Get Power Reading"
_SILENT_REMEDY = (
    "Name the sensors that have its power in `ipmi.sensors`, with `ipmi.dcmi: false`; or try "
    "`ipmi.oem: true` or another `method`. If it responded before, restart the BMC."
)


class DcmiSilentError(ReadError):
    """The BMC does not respond to DCMI, and responds to other commands on the same session."""

    def __init__(self, silence: NoResponseError) -> None:
        text = f"{silence}, where it answers others: name ipmi.sensors, with ipmi.dcmi: false"
        super().__init__(Reason.TIMEOUT, text, remedy=_SILENT_REMEDY)


class PowerReader:
    """Reads one BMC's power, and remembers whether it has DCMI.

    Where sensors are named, they are read if DCMI has no watts.
    """

    def __init__(self, options: IpmiOptions) -> None:
        self._dcmi = options.dcmi
        self._dcmi_absence, self._dcmi_silence = DcmiAbsence(), DcmiSilence()
        self._sensors = NamedSensors(options.sensors) if options.sensors else None
        self._power_state = PowerStateMonitor()

    async def read(self, session: IpmiSession) -> Reading:
        """Read the power; without watts, or with doubtful ones, check whether the machine is off.

        Raises:
            ReadError: powered_off, no_power_sensor, sensor_unreadable, member_missing, bad_reply,
                privilege_insufficient; and as `IpmiSession.command`.
        """
        try:
            reading = await self._read_watts(session)
        except ReadError as error:
            if error.reason not in _CONCLUSIVE:
                await _raise_if_powered_off(session)
            raise
        if self._power_state.needs_check(reading.watts):
            await _raise_if_powered_off(session)
            self._power_state.confirmed_on(reading.watts)
        return reading

    async def _read_watts(self, session: IpmiSession) -> Reading:
        if self._sensors is None:
            return await self._read_dcmi_only(session)
        return await self._read_either(session, self._sensors)

    async def _read_dcmi_only(self, session: IpmiSession) -> Reading:
        try:
            return await self._read_dcmi(session)
        except ReadError as error:
            if error.reason in _CONCLUSIVE:
                raise
            text = f"{error}, and no sensors are named to read instead (ipmi.sensors)"
            raise ReadError(error.reason, text, remedy=error.remedy) from None

    async def _read_either(self, session: IpmiSession, sensors: NamedSensors) -> Reading:
        skipped = self._dcmi_absence.assumed or self._dcmi_silence.assumed(session)
        if self._dcmi and not skipped:
            try:
                return await self._read_dcmi(session)
            except DcmiSilentError:
                pass
            except ReadError as error:
                if error.reason in _CONCLUSIVE:
                    raise
                if not isinstance(error, CompletionError):  # sensors may keep an old value
                    await _raise_if_powered_off(session)
                self._dcmi_absence.failed(error)
        return await sensors.read(session)

    async def _read_dcmi(self, session: IpmiSession) -> Reading:
        power = dcmi.parse_power_reading(await self._dcmi_response(session))
        self._dcmi_absence.succeeded()
        return Reading(power.measured(_DCMI), "dcmi", statistics=power.statistics)

    async def _dcmi_response(self, session: IpmiSession) -> bytes:
        """Request DCMI's power reading.

        Raises:
            DcmiSilentError: the BMC responds to another command on this session, and not to this.
            ReadError: powered_off; and as `IpmiSession.command`.
        """
        try:
            data = await session.command(_DCMI, dcmi.GET_POWER_READING, dcmi.REQUEST)
        except NoResponseError as error:
            if not self._dcmi_silence.possible(session):
                raise
            if not await _raise_if_powered_off(session, attempts=1):
                raise
            self._dcmi_silence.failed(session)
            raise DcmiSilentError(error) from None
        self._dcmi_silence.succeeded(session)
        return data


async def _raise_if_powered_off(session: IpmiSession, attempts: int | None = None) -> bool:
    """Check whether the machine is on, and return whether the BMC responded at all.

    Without a status the machine is assumed to be on.

    Raises:
        ReadError: powered_off.
    """
    try:
        status = await session.command("Get Chassis Status", _GET_CHASSIS_STATUS, attempts=attempts)
    except CompletionError:
        return True
    except NoResponseError:
        return False
    if status and not status[0] & _POWER_IS_ON:
        raise ReadError(Reason.POWERED_OFF, "the machine is switched off")
    return True
