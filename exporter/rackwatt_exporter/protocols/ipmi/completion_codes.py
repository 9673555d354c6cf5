"""Completion codes of IPMI commands and their meanings: IPMI v2.0 section 5.2 (table 5-2).

DCMI v1.5 adds none for the power reading. No code proves that something is absent for good: BMCs
answer most of them while they start, while they update or while they are read too often.
"""

from enum import Enum
from typing import NamedTuple

from rackwatt_exporter.reading import ReadError, Reason

OK = 0x00
NODE_BUSY = 0xC0
INVALID_COMMAND = 0xC1
RESERVATION_LOST = 0xC5
DATA_TRUNCATED = 0xC6
LENGTH_INVALID = 0xC7
LENGTH_EXCEEDED = 0xC8
OUT_OF_RANGE = 0xC9
CANNOT_RETURN_LENGTH = 0xCA
NOT_PRESENT = 0xCB
INVALID_FIELD = 0xCC
PRIVILEGE_INSUFFICIENT = 0xD4
UNSPECIFIED = 0xFF


class CodeKind(Enum):
    """Whether the same command may succeed later, and what a person can do."""

    BUSY = (
        "It is requested again at the next reading, in the same session. If it is often so, use a "
        "longer `interval`, and see which other programs read this BMC."
    )
    TRANSIENT = (
        "It is requested again at the next reading. A BMC does this that starts, updates or is "
        "read too often; if it remains so, name other `sensors`, or restart the BMC."
    )
    UNSUPPORTED = "Name `sensors`, or try `ipmi.oem: true` or another `method`."
    PRIVILEGE = "Raise the user's privilege at the BMC, or `ipmi.privilege` up to what it has."


class Meaning(NamedTuple):
    """Kind of a code, and its meaning in words."""

    kind: CodeKind
    words: str


_MEANINGS = {
    NODE_BUSY: Meaning(CodeKind.BUSY, "the BMC is busy"),
    INVALID_COMMAND: Meaning(CodeKind.UNSUPPORTED, "the BMC does not know this command"),
    0xC2: Meaning(CodeKind.UNSUPPORTED, "the BMC does not know this command at this LUN"),
    0xC3: Meaning(CodeKind.TRANSIENT, "the BMC timed out while it processed the command"),
    0xC4: Meaning(CodeKind.TRANSIENT, "the BMC is out of space"),
    RESERVATION_LOST: Meaning(CodeKind.TRANSIENT, "the reservation was cancelled"),
    DATA_TRUNCATED: Meaning(CodeKind.UNSUPPORTED, "the request is truncated"),
    LENGTH_INVALID: Meaning(CodeKind.UNSUPPORTED, "the request has a length that the BMC refuses"),
    LENGTH_EXCEEDED: Meaning(CodeKind.UNSUPPORTED, "the request is too long for the BMC"),
    OUT_OF_RANGE: Meaning(CodeKind.UNSUPPORTED, "a parameter is out of range"),
    CANNOT_RETURN_LENGTH: Meaning(CodeKind.UNSUPPORTED, "the BMC cannot return so many bytes"),
    NOT_PRESENT: Meaning(CodeKind.TRANSIENT, "the sensor, data or record is not present"),
    INVALID_FIELD: Meaning(CodeKind.UNSUPPORTED, "the request has a field that the BMC refuses"),
    0xCD: Meaning(CodeKind.UNSUPPORTED, "the command is illegal for this sensor or record"),
    0xCE: Meaning(CodeKind.TRANSIENT, "the BMC could not provide a response"),
    0xCF: Meaning(CodeKind.TRANSIENT, "the BMC took the request for a duplicate"),
    0xD0: Meaning(CodeKind.TRANSIENT, "the SDR repository is in update mode"),
    0xD1: Meaning(CodeKind.TRANSIENT, "the device is in firmware update mode"),
    0xD2: Meaning(CodeKind.TRANSIENT, "the BMC is initializing"),
    0xD3: Meaning(CodeKind.TRANSIENT, "the destination is unavailable"),
    PRIVILEGE_INSUFFICIENT: Meaning(CodeKind.PRIVILEGE, "this session has not enough privilege"),
    0xD5: Meaning(CodeKind.TRANSIENT, "this is not supported in the present state"),
    0xD6: Meaning(CodeKind.UNSUPPORTED, "this function is disabled or unavailable"),
    UNSPECIFIED: Meaning(CodeKind.TRANSIENT, "an unspecified error"),
}
_REASONS = {
    CodeKind.BUSY: Reason.SENSOR_UNREADABLE,
    CodeKind.TRANSIENT: Reason.SENSOR_UNREADABLE,
    CodeKind.UNSUPPORTED: Reason.NO_POWER_SENSOR,
    CodeKind.PRIVILEGE: Reason.PRIVILEGE_INSUFFICIENT,
}
_OF_THE_VENDOR = Meaning(CodeKind.TRANSIENT, "a code of the BMC's vendor")
_OF_THE_COMMAND = Meaning(CodeKind.TRANSIENT, "a code that this command does not define")
_RESERVED = Meaning(CodeKind.TRANSIENT, "a reserved code")


def meaning(code: int) -> Meaning:
    """Return what a completion code other than OK means."""
    if code in _MEANINGS:
        return _MEANINGS[code]
    if code < 0x80:
        return _OF_THE_VENDOR
    return _OF_THE_COMMAND if code <= 0xBE else _RESERVED


class CompletionError(ReadError):
    """A command came back with a completion code other than OK."""

    def __init__(self, command: str, code: int) -> None:
        kind, words = meaning(code)
        text = f"{command}: {words} (code {code:02X}h)"
        super().__init__(_REASONS[kind], text, remedy=kind.value)
        self.code, self.kind = code, kind
