"""Vendors' own commands for a machine's watts, where their BMCs have no DCMI: data, a row for each.

NEC: Get Current Sensor Data (netfn 3Eh, command 0Bh) has the watts in two bytes, the lower one
first. It is of the maintenance guides of Express5800 machines with EXPRESSSCOPE (A1040b and
R120b-1 among them), which quote `4C 00` for 76 W, and C1h or CBh where the supplies measure none.
"""

from typing import NamedTuple

from rackwatt_exporter.plausibility import DCMI_NO_VALUE, measured
from rackwatt_exporter.protocols.ipmi.completion_codes import INVALID_COMMAND, NOT_PRESENT
from rackwatt_exporter.reading import ReadError, Reason

LACKING = frozenset((INVALID_COMMAND, NOT_PRESENT))
_LENGTH = 2


class PowerCommand(NamedTuple):
    """A command without data, whose response has watts in two bytes, the lower one first."""

    netfn: int
    command: int

    def watts(self, data: bytes) -> float:
        """Return the watts of a response's data.

        Raises:
            ReadError: bad_reply where it has another length; no_power_sensor for 0 W;
                sensor_unreadable where all bits are set.
        """
        where = f"the vendor's command {self.netfn:02X}h {self.command:02X}h"
        if len(data) != _LENGTH:
            message = f"{where} has {len(data)} bytes of data, and not {_LENGTH}"
            raise ReadError(Reason.BAD_REPLY, message)
        watts = int.from_bytes(data, "little")
        if not watts:
            raise ReadError(Reason.NO_POWER_SENSOR, f"{where} reports 0 W")
        return measured(float(watts), where, DCMI_NO_VALUE)


# By the manufacturer's number in Get Device ID, which is IANA's.
POWER_COMMANDS = {119: PowerCommand(0x3E, 0x0B)}  # NEC
