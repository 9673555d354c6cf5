"""Sensor data records: a BMC's sensors, and the conversion of their raw readings.

IPMI v2.0 section 43 (records), 36.3 (conversion), 43.15 and 43.16 (names and units). Pure. Full
sensor records (type 01h) are the only ones that describe an analog value; compact ones (02h), each
of which may describe several sensors, are parsed for their names.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from rackwatt_exporter.reading import ReadError, Reason

FULL_SENSOR, COMPACT_SENSOR = 0x01, 0x02
SENSORS_REMEDY = "Correct the names in `sensors`: each is that of a sensor in watts."
HEADER = 5  # record id, version, type, length of what follows
NAME_AT = 47
_COMPACT_NAME_AT = 31
_NO_ANALOG_VALUE = 3

_UNITS = {
    1: "°C", 2: "°F", 3: "K", 4: "V", 5: "A", 6: "W", 7: "J", 8: "C", 9: "VA", 18: "RPM", 19: "Hz",
}  # fmt: skip
_WATTS, _JOULES, _PER_SECOND = 6, 7, 3
_SIX_BIT = bytes(range(0x20, 0x60))
_BCD_PLUS = "0123456789 -.:,_"

_LINEARIZE: dict[int, Callable[[float], float]] = {
    0: lambda x: x,
    1: math.log,
    2: math.log10,
    3: math.log2,
    4: math.exp,
    5: lambda x: math.pow(10, x),
    6: math.exp2,
    7: lambda x: 1 / x,
    8: lambda x: x * x,
    9: lambda x: x * x * x,
    10: math.sqrt,
    11: math.cbrt,
}
_NON_LINEAR = 0x70  # and above: factors that differ from reading to reading


@dataclass(frozen=True, slots=True)
class Factors:
    """The constants of a conversion: (m * raw + b * 10**b_exponent) * 10**result_exponent."""

    m: int
    b: int
    b_exponent: int
    result_exponent: int

    @classmethod
    def parse(cls, data: bytes) -> "Factors":
        """Parse the six bytes that records and Get Sensor Reading Factors have in common."""
        return cls(
            m=_signed(data[0] | (data[1] & 0xC0) << 2, 10),
            b=_signed(data[2] | (data[3] & 0xC0) << 2, 10),
            b_exponent=_signed(data[5] & 0x0F, 4),
            result_exponent=_signed(data[5] >> 4, 4),
        )

    def scaled(self, whole: int) -> float:
        """Convert a raw reading, rounded once: a difference that is 0 comes out as 0."""
        shift = min(self.b_exponent, 0)
        digits = self.m * whole * 10**-shift + self.b * 10 ** (self.b_exponent - shift)
        exponent = self.result_exponent + shift
        return float(digits * 10**exponent) if exponent >= 0 else digits / 10**-exponent


@dataclass(frozen=True, slots=True)
class Sensor:
    """A sensor, as its record describes it; `entity` is an entity id and its instance."""

    name: str
    number: int
    owner: int
    lun: int
    entity: tuple[int, int]
    analog_format: int
    rate: int
    percentage: bool
    base_unit: int
    modified: bool
    linearization: int
    factors: Factors

    @property
    def identity(self) -> tuple[int, int, int]:
        """Owner, LUN and number: unique among all sensors."""
        return self.owner, self.lun, self.number

    @property
    def in_watts(self) -> bool:
        """Whether its value is in watts, plainly or as joules per second."""
        if self.percentage or self.modified or self.analog_format == _NO_ANALOG_VALUE:
            return False
        return (self.base_unit, self.rate) in ((_WATTS, 0), (_JOULES, _PER_SECOND))

    @property
    def unit(self) -> str:
        """The unit, for a message."""
        if self.analog_format == _NO_ANALOG_VALUE:
            return "no analog value"
        name = "%" if self.percentage else _UNITS.get(self.base_unit, f"unit {self.base_unit}")
        return name + (" with a modifier" if self.modified or self.rate else "")

    @property
    def non_linear(self) -> bool:
        """Whether the factors have to be requested for each raw reading."""
        return self.linearization >= _NON_LINEAR

    def value(self, raw: int, factors: Factors | None = None) -> float:
        """Convert a raw reading; `factors` are the reading's own, where the sensor is non-linear.

        Raises:
            ReadError: sensor_unreadable, where the conversion has no result.
        """
        scaled = (factors or self.factors).scaled(self._whole(raw))
        linearize = _LINEARIZE[0] if self.non_linear else _LINEARIZE.get(self.linearization)
        try:
            value = linearize(scaled) if linearize else None
        except (ValueError, ZeroDivisionError, OverflowError):
            value = None
        if value is None or not math.isfinite(value):
            text = f"sensor {self.name}: raw {raw:02X}h has no value"
            raise ReadError(Reason.SENSOR_UNREADABLE, text)
        return value

    def _whole(self, raw: int) -> int:
        if self.analog_format == 1 and raw & 0x80:
            return -(~raw & 0xFF)  # one's complement
        return _signed(raw, 8) if self.analog_format == 2 else raw


def parse_record(record: bytes) -> Sensor | None:
    """Parse a full sensor record; None where it is another record, or is truncated."""
    if len(record) < HEADER or record[3] != FULL_SENSOR:
        return None
    name = parse_name(record[NAME_AT:])
    if name is None:
        return None
    return Sensor(
        name=name,
        number=record[7],
        owner=record[5],
        lun=record[6] & 3,
        entity=(record[8], record[9]),
        analog_format=record[20] >> 6,
        rate=record[20] >> 3 & 7,
        percentage=bool(record[20] & 1),
        base_unit=record[21],
        modified=bool(record[20] & 6),
        linearization=record[23] & 0x7F,
        factors=Factors.parse(record[24:30]),
    )


def parse_compact_names(record: bytes) -> list[str]:
    """List the names of the sensors that share a compact record; none where it is another one.

    A name is followed by a number or letters that count from the record's own offset (table 43-2).
    """
    if len(record) < HEADER or record[3] != COMPACT_SENSOR:
        return []
    name = parse_name(record[_COMPACT_NAME_AT:])
    if name is None:
        return []
    count, offset = record[23] & 0x0F, record[24] & 0x7F
    if count < 2:
        return [name]
    modifier = _letters if record[23] >> 4 & 3 else str
    return [f"{name}{modifier(offset + i)}" for i in range(count)]


def _letters(number: int) -> str:
    """Count in letters: A to Z, then AA."""
    more, last = divmod(number, 26)
    return (_letters(more - 1) if more else "") + chr(ord("A") + last)


def parse_name(field: bytes) -> str | None:
    """Parse a type/length byte and the text after it (section 43.15); None if truncated."""
    if not field or len(field) < 1 + (field[0] & 0x1F):
        return None
    text = field[1 : 1 + (field[0] & 0x1F)]
    match field[0] >> 6:
        case 0:
            name = text.decode("utf-16-le", "replace")
        case 1:
            name = "".join(_BCD_PLUS[byte >> 4] + _BCD_PLUS[byte & 15] for byte in text)
        case 2:
            name = _unpack_six_bit(text)
        case _:
            name = text.decode("latin-1")
    return name.rstrip(" \0")


def _unpack_six_bit(packed: bytes) -> str:
    bits = int.from_bytes(packed, "little")
    count = len(packed) * 8 // 6
    return bytes(_SIX_BIT[bits >> 6 * i & 0x3F] for i in range(count)).decode("ascii")


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value
