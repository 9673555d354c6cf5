"""What ipmitool prints: figures that stand in it, or a reason."""

import re

from rackwatt_exporter.protocols.ipmi.ipmitool import (
    completion_code,
    parse_sensors,
    sensors_in_watts,
    sum_watts,
)
from rackwatt_exporter.protocols.ipmi.power_text import parse_power_lines
from rackwatt_exporter.reading import ReadError, Reason

_PLAIN = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})? +Watts")
_DIGITS = re.compile(r"[0-9.]+")
_OF_A_SUM = {Reason.NO_POWER_SENSOR, Reason.SENSOR_UNREADABLE, Reason.BAD_REPLY}


def examine(data: bytes) -> None:
    """Read it as each of the outputs there are."""
    text = data.decode("utf-8", "replace")
    code = completion_code(text)
    assert code is None or 0 <= code <= 0xFF
    try:
        power = parse_power_lines(text)
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
    else:
        assert any(_says(line, power.watts) for line in text.split("\n"))
    sensors = parse_sensors(data)
    for sensor in sensors.sensors:
        _hold_sum(data, sensor.name)


def _says(line: str, watts: float) -> bool:
    words = line.rpartition(":")[2].lower().removesuffix("atts").removesuffix("w").split()
    return any(_DIGITS.fullmatch(word) and float(word) == watts for word in words)


def _hold_sum(data: bytes, name: str) -> None:
    """Add the fields up again, of the lines that begin with this name, each sensor once."""
    rows = [line.rsplit("|", 4) for line in data.decode("utf-8", "replace").split("\n")]
    of_name = [row for row in rows if len(row) == 5 and row[0].rstrip(" ") == name]
    texts: dict[str, list[str]] = {}
    for row in of_name:
        texts.setdefault(row[1].strip(), []).append(row[4].split(",")[0].strip())
    try:
        watts = sum_watts(sensors_in_watts(parse_sensors(data), [name]))
    except ReadError as error:
        assert error.reason in _OF_A_SUM
        return
    assert watts > 0
    plain = [next(filter(_PLAIN.fullmatch, each), "") for each in texts.values()]
    assert abs(watts - sum(float(text.split()[0]) for text in plain if text)) < 1e-6 * watts
