"""Plausibility checks of values and readings, the same for every method.

A BMC or PDU without a measurement often still reports a number: all bits set, or a negative value.
Such a number is not a power value, and neither is a sum that contains it. Each raw value therefore
passes `measured` before it is scaled or summed, and each reading passes `validate`.
"""

import math
from collections.abc import Container

from rackwatt_exporter.reading import ReadError, Reading, Reason

# More than a machine draws with its accelerators: the largest rack has 120 kW.
MAX_NODE_WATTS = 50_000.0
MAX_JOULES = 1e18  # 10 MW for three thousand years

# What devices report where they have no value, in addition to negative numbers.
DCMI_NO_VALUE = frozenset({0xFFFF})
REDFISH_NO_VALUE = frozenset({0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF})
SNMP_NO_VALUE = frozenset({0x7FFFFFFF, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1})

# In microwatts: all bits, and ACPI's value for unknown, which is in milliwatts.
HWMON_NO_VALUE = frozenset({0x7FFFFFFF, 0xFFFFFFFF, 1000 * 0xFFFFFFFF, 2**63 - 1, 2**64 - 1})


def measured(value: float, where: str, no_value: Container[float] = ()) -> float:
    """Return a raw value, as the device sent it, if it can be a measurement.

    `where` names the object or sensor for the message.

    Raises:
        ReadError: bad_reply where the value is not finite; sensor_unreadable where it is negative
            or one of `no_value`.
    """
    if not math.isfinite(value):
        raise ReadError(Reason.BAD_REPLY, f"{where} is {value}, which is not a finite number")
    if value < 0 or value in no_value:
        message = (
            f"{where} is {value:.12g}, which is how devices report that there is no measurement"
        )
        raise ReadError(Reason.SENSOR_UNREADABLE, message)
    return value


def validate(reading: Reading, max_watts: float) -> Reading:
    """Return a reading if it is plausible for its target.

    Raises:
        ReadError: implausible where its watts are negative or above `max_watts`, or its energy
            counter is impossible; bad_reply where either is not finite.
    """
    if 0 <= reading.watts <= max_watts and _is_plausible(reading.joules):
        return reading
    if not math.isfinite(reading.watts):
        raise ReadError(Reason.BAD_REPLY, f"{reading.source} reports {reading.watts} W")
    if 0 <= reading.watts <= max_watts:
        raise ReadError(Reason.BAD_REPLY, f"{reading.source} reports {reading.joules} J")
    message = (
        f"{reading.source} reports {reading.watts:.12g} W, which is not between 0 W and"
        f" {max_watts:.12g} W; if it is right, raise maxWatts of the host entry"
    )
    raise ReadError(Reason.IMPLAUSIBLE, message, members=reading.members)


def _is_plausible(joules: float | None) -> bool:
    return joules is None or 0 <= joules <= MAX_JOULES
