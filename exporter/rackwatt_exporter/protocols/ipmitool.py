"""What ipmitool prints, read back into numbers. Pure functions of its output in the C locale.

The comma-separated form is taken where there is one: names may hold blanks and bars, never a line
end, and the other three fields hold no comma.
"""

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from rackwatt_exporter.protocols.dcmi import PowerReading
from rackwatt_exporter.reading import ReadError, Reason, Statistics

DCMI_POWER_READING = ("dcmi", "power", "reading")
SENSORS = ("-c", "sdr", "list", "full")

_FIGURE = re.compile(
    r"^[ \t]*(Instantaneous|Minimum|Maximum|Average)\b[^:\n]*:[ \t]*([0-9]{1,6}) Watts[ \t]*$", re.M
)
_WINDOW = re.compile(r"Sampling period:[ \t]*([0-9]{1,10}) (Seconds|Milliseconds)")
_STATE = re.compile(r"^[ \t]*Power reading state is:[ \t]*(\w+)[ \t]*$", re.M)
_DECIMAL = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?\Z")
_CODE = re.compile(r"DCMI request failed because: .*\(([0-9a-f]{2})\)")


class SensorLine(NamedTuple):
    """One sensor as ipmitool shows it; `value` is None where the BMC gives no reading."""

    name: str
    value: float | None
    unit: str


def parse_power_reading(output: bytes) -> PowerReading:
    """Read the output of `ipmitool dcmi power reading`.

    Raises:
        ReadError: bad_reply, where watts or the measurement's state are not there.
    """
    text = output.decode("utf-8", "replace")
    figures = {which: int(watts) for which, watts in _FIGURE.findall(text)}
    state = _STATE.search(text)
    if "Instantaneous" not in figures or state is None:
        raise ReadError(Reason.BAD_REPLY, "ipmitool dcmi power reading: its output has no watts")
    window = _WINDOW.search(text)
    unit_s = 0.001 if window and window[2] == "Milliseconds" else 1
    kept = Statistics(
        average_watts=figures.get("Average") or None,
        minimum_watts=figures.get("Minimum") or None,
        maximum_watts=figures.get("Maximum") or None,
        window_s=(int(window[1]) * unit_s if window else 0) or None,
    )
    return PowerReading(figures["Instantaneous"], state[1] == "activated", kept)


def completion_code(errors: str) -> int | None:
    """Tell the completion code of a DCMI request that failed, where ipmitool names one."""
    found = _CODE.search(errors)
    return int(found[1], 16) if found else None


def parse_sensors(output: bytes) -> list[SensorLine]:
    """Read the output of `ipmitool -c sdr list full`; lines of another shape are passed over."""
    lines = output.decode("utf-8", "replace").split("\n")
    fields = [line.rsplit(",", 3) for line in lines]
    return [SensorLine(f[0], _number(f[1]), f[2].strip()) for f in fields if len(f) == 4]


def sum_watts(sensors: Sequence[SensorLine], names: Sequence[str]) -> float:
    """Add up the watts of the sensors named, all of those that bear the same name.

    Raises:
        ReadError: no_power_sensor, where a name is not there or is not of watts;
            sensor_unreadable, where one gives no reading, or all together say 0 W.
    """
    each_once = dict.fromkeys(names)
    total = math.fsum(_watts(line) for name in each_once for line in _named(sensors, name))
    if total <= 0:
        raise ReadError(Reason.SENSOR_UNREADABLE, "the sensors named say 0 W, on a host that runs")
    return total


def _named(sensors: Sequence[SensorLine], name: str) -> list[SensorLine]:
    found = [line for line in sensors if line.name == name]
    if found:
        return found
    has = ", ".join(line.name for line in sensors if line.unit == "Watts")[:300]
    told = f"ipmitool shows no sensor {name!r}; of watts it shows: {has or 'none'}"
    raise ReadError(Reason.NO_POWER_SENSOR, told)


def _watts(line: SensorLine) -> float:
    if line.value is None or line.value < 0:
        raise ReadError(Reason.SENSOR_UNREADABLE, f"sensor {line.name!r} gives no reading now")
    if line.unit != "Watts":
        told = f"sensor {line.name!r} gives {line.unit[:40] or 'no unit'}, not Watts"
        raise ReadError(Reason.NO_POWER_SENSOR, told)
    return line.value


def _number(field: str) -> float | None:
    return float(field) if _DECIMAL.match(field) else None
