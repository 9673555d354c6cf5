"""DCMI Get Power Reading: the standard command for the watts of a BMC's machine.

DCMI v1.5 section 6.6.1. Many BMCs respond with their measurement switched off, or with 0 W because
no power supply reports any: neither is a reading.
"""

import struct
from typing import NamedTuple

from rackwatt_exporter.plausibility import DCMI_NO_VALUE, measured
from rackwatt_exporter.protocols.ipmi import message as message
from rackwatt_exporter.reading import ReadError, Reason, Statistics

GET_POWER_READING = (message.NETFN_GROUP, 0x02)
GROUP = 0xDC
REQUEST = bytes((GROUP, 0x01, 0x00, 0x00))  # mode 01h: system power statistics
MEASURING = 0x40
NOT_MEASURED_REMEDY = "Enable power measurement at the BMC, or name `sensors` to read instead."

_READING = struct.Struct("<BHHHHIIB")


class PowerReading(NamedTuple):
    """The machine's power in watts, whole ones of DCMI; none where `measuring` is False."""

    watts: float
    measuring: bool
    statistics: Statistics

    def measured(self, where: str) -> float:
        """Return the watts, if they are a measurement; `where` names the command for the message.

        Raises:
            ReadError: no_power_sensor, where it is not measuring or reports 0 W; sensor_unreadable,
                where all bits are set.
        """
        if not (self.measuring and self.watts):
            text = "DCMI reports 0 W" if self.measuring else "DCMI reports that it is not measuring"
            raise ReadError(Reason.NO_POWER_SENSOR, text, remedy=NOT_MEASURED_REMEDY)
        return measured(float(self.watts), where, DCMI_NO_VALUE)


def parse_power_reading(data: bytes) -> PowerReading:
    """Parse the response's data, from the group byte on.

    Raises:
        ReadError: bad_reply, where it is truncated or of another group.
    """
    if data and data[0] != GROUP:
        message = f"DCMI Get Power Reading: of group {data[0]:02X}h, and DCMI is {GROUP:02X}h"
        raise ReadError(Reason.BAD_REPLY, message)
    if len(data) < _READING.size:
        raise ReadError(Reason.BAD_REPLY, f"DCMI Get Power Reading: {len(data)} bytes, too few")
    _, watts, least, most, mean, _, window_ms, state = _READING.unpack_from(data)
    kept = Statistics(statistic(mean), statistic(least), statistic(most), window_ms / 1000 or None)
    return PowerReading(watts, bool(state & MEASURING), kept)


def statistic(watts: float) -> float | None:
    """Return watts of the BMC's own statistics, None where it has none."""
    return watts if watts and watts not in DCMI_NO_VALUE else None


def encode_power_reading(reading: PowerReading, time_s: int) -> bytes:
    """Encode the response's data, as a BMC does."""
    kept = reading.statistics
    figures = (kept.minimum_watts, kept.maximum_watts, kept.average_watts)
    state = MEASURING if reading.measuring else 0
    window_ms = round(1000 * (kept.window_s or 0))
    watts = (round(reading.watts), *(round(figure or 0) for figure in figures))
    return _READING.pack(GROUP, *watts, time_s, window_ms, state)
