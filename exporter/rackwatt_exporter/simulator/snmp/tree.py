"""Objects of a simulated agent: the system group, and the power of a PDU with its outlets.

Objects are sorted by their identifiers, as GetNext requires (RFC 3416, 4.2.2). Their values are
computed for each request.
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

# Encoded values, computed for each request.
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
        """Return the next object after an identifier, and its value."""
        index = bisect.bisect_right(self._order, oid)
        if index == len(self._order):
            return None
        following = self._order[index]
        return following, self._objects[following]()


def machine_tree(machine: SimulatedMachine) -> Tree:
    """Return the objects of a PDU whose load is one machine."""
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
    """Divide whole watts so that the outlets' sum is the device's."""
    whole = round(machine.watts(time.time()))
    return ber.integer(whole // OUTLETS + (outlet < whole % OUTLETS), ber.GAUGE)
