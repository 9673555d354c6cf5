"""Full sensor records of simulated BMCs (IPMI v2.0 table 43-1)."""

_VERSION = 0x51
_FULL_SENSOR = 0x01
_BMC = 0x20
_POWER_SUPPLY_ENTITY = 0x0A
_THRESHOLD = 0x01
_LATIN_1 = 0xC0


def analog_record(number: int, name: str, sensor_type: int, base_unit: int, step: int) -> bytes:
    """Encode the record of a sensor whose value is its raw reading times `step`."""
    text = name.encode("latin-1")[:16]
    entity = bytes((_POWER_SUPPLY_ENTITY, number))
    kind = bytes((0x7F, 0x40, sensor_type, _THRESHOLD)) + bytes(6)  # readable, without thresholds
    units = bytes((0, base_unit, 0, 0))  # unsigned, linear
    factors = bytes((step & 0xFF, step >> 2 & 0xC0, 0, 0, 0, 0))
    ranges = bytes((0, 0, 0, 0, 0xFF, 0)) + bytes(11)
    label = bytes((_LATIN_1 | len(text),)) + text
    body = bytes((_BMC, 0, number)) + entity + kind + units + factors + ranges + label
    return number.to_bytes(2, "little") + bytes((_VERSION, _FULL_SENSOR, len(body))) + body
