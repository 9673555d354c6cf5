"""What a sensor's raw reading means, computed a second time, in decimals of sixty digits.

From IPMI v2.0 section 36.3 and table 43-1; it shares no line and no library with the product.
"""

from collections.abc import Callable
from decimal import Context, Decimal, DecimalException

_EXACT = Context(prec=60, Emax=10_000, Emin=-10_000)
_TWO = Decimal(2)

_CURVES: dict[int, Callable[[Decimal], Decimal]] = {
    0: lambda y: y,
    1: lambda y: y.ln(_EXACT),
    2: lambda y: y.log10(_EXACT),
    3: lambda y: _EXACT.divide(y.ln(_EXACT), _TWO.ln(_EXACT)),
    4: lambda y: y.exp(_EXACT),
    5: lambda y: _EXACT.power(Decimal(10), y),
    6: lambda y: _EXACT.power(_TWO, y),
    7: lambda y: _EXACT.divide(Decimal(1), y),
    8: lambda y: _EXACT.power(y, 2),
    9: lambda y: _EXACT.power(y, 3),
    10: lambda y: y.sqrt(_EXACT),
    11: lambda y: _EXACT.power(abs(y), _EXACT.divide(Decimal(1), Decimal(3))).copy_sign(y),
}


def value(record: bytes, raw: int, factors: bytes | None = None) -> Decimal | None:
    """Convert by a full sensor record; `factors` are six bytes of the reading's own."""
    given = factors or record[24:30]
    m = _two_complement(f"{given[1]:08b}"[:2] + f"{given[0]:08b}")
    b = _two_complement(f"{given[3]:08b}"[:2] + f"{given[2]:08b}")
    result_exponent = _two_complement(f"{given[5]:08b}"[:4])
    b_exponent = _two_complement(f"{given[5]:08b}"[4:])
    whole = {1: raw - 255, 2: raw - 256}.get(record[20] >> 6, raw) if raw > 127 else raw
    scaled = (Decimal(m) * whole + Decimal(b).scaleb(b_exponent)).scaleb(result_exponent)
    kind = record[23] % 128
    curve = _CURVES[0] if kind >= 0x70 else _CURVES.get(kind)
    try:
        found = curve(scaled) if curve else None
    except DecimalException:
        return None
    return found if found is not None and found.is_finite() else None


def _two_complement(bits: str) -> int:
    return int(bits[1:], 2) - (int(bits[0]) << len(bits) - 1)
