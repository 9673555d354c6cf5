"""What a simulated agent shows: the system group, and the power of a PDU with its outlets.

Objects are kept in the order of their identifiers, as GetNext demands (RFC 3416, 4.2.2); their
values are made when asked for, so that every answer is of its moment.
"""

import bisect
import time
from collections.abc import Callable
from functools import partial

from rackwatt_exporter import ber
from rackwatt_exporter.simulator.machine import SimulatedMachine

OUTLETS = 8
_SYSTEM = (1, 3, 6, 1, 2, 1, 1)
# PowerNet-MIB rPDU2DeviceStatusPower (hundredths of kW) and rPDU2OutletMeteredStatusPower (W).
_DEVICE_POWER = (1, 3, 6, 1, 4, 1, 318, 1, 1, 26, 4, 3, 1, 5, 1)
_OUTLET_POWER = (1, 3, 6, 1, 4, 1, 318, 1, 1, 26, 9, 4, 3, 1, 7)
_WATTS_PER_UNIT = 10

# Encoded values, made when they are asked for.
Value = Callable[[], bytes]


class Tree:
    """Objects in order."""

    def __init__(self, objects: dict[ber.Oid, Value]) -> None:
        self._objects = objects
        self._order = sorted(objects)

    def get(self, oid: ber.Oid) -> bytes | None:
        """Return an object's value, encoded; None where there is none."""
        value = self._objects.get(oid)
        return value() if value else None

    def after(self, oid: ber.Oid) -> tuple[ber.Oid, bytes] | None:
        """Return the object that follows an identifier, and its value."""
        place = bisect.bisect_right(self._order, oid)
        if place == len(self._order):
            return None
        found = self._order[place]
        return found, self._objects[found]()


def machine_tree(machine: SimulatedMachine) -> Tree:
    """Show one machine as a PDU that bears nothing else."""
    started_s = time.monotonic()
    objects: dict[ber.Oid, Value] = {
        (*_SYSTEM, 1, 0): lambda: ber.octets(b"Rackwatt simulated PDU"),
        (*_SYSTEM, 3, 0): lambda: ber.integer(
            int((time.monotonic() - started_s) * 100) & 0xFFFFFFFF, ber.TIME_TICKS
        ),
        (*_SYSTEM, 5, 0): lambda: ber.octets(machine.name.encode()),
        _DEVICE_POWER: partial(_device_power, machine),
    }
    for outlet in range(OUTLETS):
        objects[(*_OUTLET_POWER, outlet + 1)] = partial(_outlet_power, machine, outlet)
    return Tree(objects)


def _device_power(machine: SimulatedMachine) -> bytes:
    if machine.vendor.nonsense:
        return ber.octets(b"n/a")
    return ber.integer(round(machine.watts(time.time()) / _WATTS_PER_UNIT), ber.GAUGE)


def _outlet_power(machine: SimulatedMachine, outlet: int) -> bytes:
    """Share out whole watts so that the outlets' sum is the device's."""
    whole = round(machine.watts(time.time()))
    return ber.integer(whole // OUTLETS + (outlet < whole % OUTLETS), ber.GAUGE)
