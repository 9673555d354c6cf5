"""Commands of a simulated BMC: device id, chassis, DCMI power, three sensors and their records.

Two power supplies have half of the machine's watts each, in the coarse steps of an 8-bit sensor.
"""

import math
import time
from collections.abc import Callable
from typing import Protocol

from rackwatt_exporter.protocols.ipmi import completion_codes as ipmi_codes
from rackwatt_exporter.protocols.ipmi import dcmi
from rackwatt_exporter.protocols.ipmi import message as message
from rackwatt_exporter.protocols.ipmi.crypto import SUITES
from rackwatt_exporter.reading import Statistics
from rackwatt_exporter.simulator.ipmi.sdr import analog_record
from rackwatt_exporter.simulator.machine import SimulatedMachine

GET_CHANNEL_AUTH = (message.NETFN_APP, 0x38)
GET_CIPHER_SUITES = (message.NETFN_APP, 0x54)
BEFORE_LOGIN = frozenset({GET_CHANNEL_AUTH, GET_CIPHER_SUITES})

CHANNEL = 1
_OK = bytes((ipmi_codes.OK,))
_END = 0xFFFF
_WATTS, _CELSIUS = 6, 1
_POWER_SUPPLY, _TEMPERATURE = 0x08, 0x01
_RESERVATION = bytes((1, 0))
_SCANNING, _UNAVAILABLE = 0xC0, 0x20


class Commands(Protocol):
    """Responses of a BMC inside a session."""

    def answer(self, request: message.IpmiRequest) -> bytes:
        """Return completion code and data of a response."""
        ...


class IpmiCommands:
    """The commands of the BMC of a machine."""

    def __init__(self, machine: SimulatedMachine) -> None:
        self._machine = machine
        self._step_watts = max(1, math.ceil(machine.peak_watts / 2 / 250))
        self._started = int(time.time())
        watts = (_POWER_SUPPLY, _WATTS, self._step_watts)
        self._records = [
            analog_record(1, "PSU1 PIN", *watts),
            analog_record(2, "PSU2 PIN", *watts),
            analog_record(3, "Inlet Temp", _TEMPERATURE, _CELSIUS, 1),
        ]
        self._commands: dict[tuple[int, int], Callable[[bytes], bytes]] = {
            GET_CHANNEL_AUTH: self._channel_authentication,
            GET_CIPHER_SUITES: self._cipher_suites,
            (message.NETFN_APP, 0x01): self._device_id,
            (message.NETFN_APP, 0x3B): self._set_privilege,
            (message.NETFN_APP, 0x3C): lambda _: _OK,
            (message.NETFN_CHASSIS, 0x01): self._chassis_status,
            (message.NETFN_STORAGE, 0x20): self._repository_info,
            (message.NETFN_STORAGE, 0x22): lambda _: _OK + _RESERVATION,
            (message.NETFN_STORAGE, 0x23): self._get_record,
            (message.NETFN_SENSOR, 0x2D): self._sensor_reading,
            dcmi.GET_POWER_READING: self._power_reading,
        }

    def answer(self, request: message.IpmiRequest) -> bytes:
        """Return completion code and data of a response."""
        command = self._commands.get((request.netfn, request.command))
        if command is None:
            return bytes((ipmi_codes.INVALID_COMMAND,))
        return command(request.data)

    def _channel_authentication(self, _data: bytes) -> bytes:
        # v2.0 data present; users have names; only v2.0 (table 22-15).
        return _OK + bytes((CHANNEL, 0x80, 0x04, 0x02, 0, 0, 0, 0))

    def _cipher_suites(self, data: bytes) -> bytes:
        records = b"".join(
            bytes((0xC0, s.number, s.authentication, 0x40 | s.integrity, 0x80 | s.confidentiality))
            for s in SUITES.values()
            if s.number in self._machine.vendor.suites
        )
        start = 16 * (data[2] & 0x3F) if len(data) > 2 else 0
        return _OK + bytes((CHANNEL,)) + records[start : start + 16]

    def _device_id(self, _data: bytes) -> bytes:
        # IPMI 2.0; a chassis, an SDR repository and sensors (table 20-2); no manufacturer.
        return _OK + bytes((0x20, 0x01, 0x01, 0x00, 0x02, 0x83)) + bytes(9)

    def _set_privilege(self, data: bytes) -> bytes:
        if not data:
            return bytes((ipmi_codes.LENGTH_INVALID,))
        return _OK + bytes((data[0] & 0x0F or 2,))

    def _chassis_status(self, _data: bytes) -> bytes:
        return _OK + bytes((int(self._machine.powered_on), 0, 0))

    def _power_reading(self, data: bytes) -> bytes:
        if data[:2] != dcmi.REQUEST[:2]:
            return bytes((ipmi_codes.INVALID_FIELD,))
        vendor, now = self._machine.vendor, time.time()
        if vendor.dcmi == "absent":
            return bytes((ipmi_codes.INVALID_COMMAND,))
        if vendor.dcmi == "short":
            return _OK + bytes((dcmi.GROUP, 0xFF))
        if not self._machine.powered_on or vendor.dcmi == "inactive":
            off = dcmi.PowerReading(0, False, Statistics())
            return _OK + dcmi.encode_power_reading(off, int(now))
        if vendor.dcmi == "zero":
            none = dcmi.PowerReading(0, True, Statistics())
            return _OK + dcmi.encode_power_reading(none, int(now))
        watts, kept = round(self._machine.watts(now)), self._machine.statistics(now)
        return _OK + dcmi.encode_power_reading(dcmi.PowerReading(watts, True, kept), int(now))

    def _repository_info(self, _data: bytes) -> bytes:
        changed = self._started.to_bytes(4, "little")
        count = len(self._records).to_bytes(2, "little")
        return _OK + b"\x51" + count + b"\xff\xff" + changed + bytes(4) + b"\x02"

    def _get_record(self, data: bytes) -> bytes:
        if len(data) < 6:
            return bytes((ipmi_codes.LENGTH_INVALID,))
        number = int.from_bytes(data[2:4], "little")
        index = 0 if number == 0 else number - 1
        if index >= len(self._records) and number != _END:
            return bytes((ipmi_codes.NOT_PRESENT,))
        if number == _END:
            index = len(self._records) - 1
        following = index + 2 if index + 1 < len(self._records) else _END
        piece = self._records[index][data[4] :][: data[5]]
        return _OK + following.to_bytes(2, "little") + piece

    def _sensor_reading(self, data: bytes) -> bytes:
        if not data or not 1 <= data[0] <= len(self._records):
            return bytes((ipmi_codes.NOT_PRESENT,))
        if not self._machine.powered_on:
            return _OK + bytes((0, _SCANNING | _UNAVAILABLE, 0, 0))
        watts = self._machine.watts(time.time())
        raw = 22 + 6 * watts / self._machine.peak_watts
        if data[0] < 3:
            raw = watts / 2 / self._step_watts
        return _OK + bytes((min(255, round(raw)), _SCANNING, 0, 0))
