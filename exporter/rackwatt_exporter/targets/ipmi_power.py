"""Where a BMC's watts are found over an open session: DCMI first, then the sensors named."""

from rackwatt_exporter.protocols import dcmi
from rackwatt_exporter.protocols import ipmi_message as message
from rackwatt_exporter.protocols.ipmi_sensors import NamedSensors
from rackwatt_exporter.protocols.ipmi_session import CompletionError, Session
from rackwatt_exporter.reading import ReadError, Reading, Reason
from rackwatt_exporter.settings.options import IpmiOptions

_GET_CHASSIS_STATUS = (message.NETFN_CHASSIS, 0x01)
_POWER_IS_ON = 0x01


class PowerMeter:
    """How one BMC's power is read, and what was learnt on the way.

    A BMC that has no DCMI is not asked again within a session; one whose measurement is merely
    off, or says 0 W, is, for that may change any time.
    """

    def __init__(self, options: IpmiOptions) -> None:
        self._dcmi = options.dcmi
        self._without_dcmi: Session | None = None
        self._sensors = NamedSensors(options.sensors)
        self._source = "sensor:" + "+".join(self._sensors.names)

    async def read(self, session: Session) -> Reading:
        """Read the power.

        Raises:
            ReadError: powered_off, no_power_sensor, sensor_unreadable, privilege_insufficient; and
                as `Session.command`.
        """
        why = "DCMI is switched off in the document"
        if self._dcmi:
            reading, why = await self._ask_dcmi(session)
            if reading is not None:
                return reading
        if not self._sensors.names:
            text = f"{why}, and no sensors are named (ipmi.sensors)"
            raise ReadError(Reason.NO_POWER_SENSOR, text)
        watts = await self._sensors.watts(session)
        if watts == 0:  # no machine runs on nothing
            await _refuse_powered_off(session)
            text = "the sensors named say 0 W, on a machine that runs"
            raise ReadError(Reason.SENSOR_UNREADABLE, text)
        return Reading(watts, self._source)

    async def _ask_dcmi(self, session: Session) -> tuple[Reading | None, str]:
        """Give the reading, or None and why DCMI has none."""
        if session is self._without_dcmi:
            return None, "the BMC has no DCMI power reading"
        try:
            data = await session.command(
                "DCMI Get Power Reading", dcmi.GET_POWER_READING, dcmi.REQUEST
            )
        except CompletionError as error:
            if error.code in dcmi.NOT_THERE:
                self._without_dcmi = session
            elif error.code != dcmi.NOT_NOW:
                raise
            return None, f"the BMC has no DCMI power reading (code {error.code:02X}h)"
        power = dcmi.parse_power_reading(data)
        if power.measuring and power.watts:
            return Reading(float(power.watts), "dcmi", statistics=power.statistics), ""
        await _refuse_powered_off(session)
        return None, "DCMI says 0 W" if power.measuring else "DCMI says it is not measuring"


async def _refuse_powered_off(session: Session) -> None:
    """Ask whether the machine is on, as one that draws nothing may not be.

    Raises:
        ReadError: powered_off.
    """
    try:
        status = await session.command("Get Chassis Status", _GET_CHASSIS_STATUS)
    except CompletionError:
        return  # not every BMC knows of a chassis
    if status and not status[0] & _POWER_IS_ON:
        raise ReadError(Reason.POWERED_OFF, "the machine is switched off")
