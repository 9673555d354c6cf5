"""Parser of what programs print of a BMC's power reading: pure functions.

FreeIPMI's ipmi-dcmi, ipmitool and ipmiutil print lines of a label and a value, and Cray's capmc
JSON. Each has labels of its own, so no program has to be named. A program of the user's may print
nothing but watts.
"""

import json
import math
import re
from typing import Any

from rackwatt_exporter.printable import printable
from rackwatt_exporter.protocols.ipmi.dcmi import PowerReading, statistic
from rackwatt_exporter.reading import ReadError, Reason, Statistics

_LABELS = {
    "Current Power": "current",
    "Instantaneous power reading": "current",
    "Minimum Power over sampling duration": "minimum",
    "Minimum during sampling period": "minimum",
    "Min Power over sample duration": "minimum",
    "Maximum Power over sampling duration": "maximum",
    "Maximum during sampling period": "maximum",
    "Max Power over sample duration": "maximum",
    "Average Power over sampling duration": "average",
    "Average power reading over sample period": "average",
    "Avg Power over sample duration": "average",
    "Power Measurement": "state",
    "Power reading state is": "state",
}
_LINE = re.compile(rf"^[ \t]*({'|'.join(_LABELS)})[ \t]*:[ \t]*(.*?)[ \t]*\r?$", re.M)
_WATTS = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?) ?[Ww](?:atts)?")
_BARE = re.compile(rf"\s*(?:{_WATTS.pattern}|([0-9]{{1,9}}(?:\.[0-9]{{1,9}})?))\s*")
# ipmitool prints it at the end of another line.
_WINDOW = re.compile(
    r"(?:Statistics reporting time|Sampling) period[ \t]*:[ \t]*([0-9]{1,10}) "
    r"(seconds|milliseconds|ms)\b",
    re.I,
)
_MEASURING = frozenset({"active", "activated"})
_NOT_MEASURING = frozenset({"not active", "deactivated", "not available", "inactive"})


def parse_power_text(output: bytes) -> PowerReading:
    """Parse what a program printed.

    Raises:
        ReadError: bad_reply, where it is of none of these formats, is incomplete or contradicts
            itself; command_failed, where capmc reports an error.
    """
    text = output.decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        return _parse_capmc(text)
    if bare := _BARE.fullmatch(text):
        return PowerReading(_number(bare[1] or bare[2]), True, Statistics())
    return parse_power_lines(text)


def parse_power_lines(text: str) -> PowerReading:
    """Parse lines as FreeIPMI, ipmitool and ipmiutil print them.

    Raises:
        ReadError: bad_reply, where one is missing, garbled or there twice.
    """
    found: dict[str, str] = {}
    for label, value in _LINE.findall(text):
        if found.setdefault(_LABELS[label], value) != value:
            raise _bad(f"it prints {label!r} twice")
    if not {"current", "state"} <= found.keys():
        raise _bad(f"it prints no current power with its state, but {printable(text, 120)!r}")
    state = found["state"].lower()
    if state not in _MEASURING | _NOT_MEASURING:
        raise _bad(f"its state is {printable(found['state'], 60)!r}")
    kept = _statistics(
        {name: _watts(found[name]) for name in ("average", "minimum", "maximum") if name in found},
        _window_s(text),
    )
    return PowerReading(_watts(found["current"]), state in _MEASURING, kept)


def _parse_capmc(text: str) -> PowerReading:
    """Parse the JSON of `capmc get_system_power`: it has the average of the window, which counts.

    Of the Cray CAPMC API: `e` is 0 where it succeeded, else `err_msg` says why not.
    """
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        raise _bad("it prints JSON that cannot be read") from None
    if answer.get("e") != 0:
        message = f"capmc reports error {answer.get('e')}: {answer.get('err_msg')}"
        raise ReadError(Reason.COMMAND_FAILED, message)
    average = _json_watts(answer, "avg")
    if average is None:
        raise _bad("it prints no `avg`")
    figures = {"minimum": _json_watts(answer, "min"), "maximum": _json_watts(answer, "max")}
    known = {name: watts for name, watts in figures.items() if watts is not None}
    window_s = _json_watts(answer, "window_len")
    return PowerReading(average, True, _statistics({"average": average, **known}, window_s or None))


def _json_watts(answer: dict[str, Any], name: str) -> float | None:
    value = answer.get(name)
    if value is None:
        return None
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < 0:
        raise _bad(f"its `{name}` is {printable(repr(value), 60)}")
    return float(value)


def _statistics(figures: dict[str, float], window_s: float | None) -> Statistics:
    kept = {f"{name}_watts": statistic(watts) for name, watts in figures.items()}
    return Statistics(window_s=window_s, **kept)


def _watts(text: str) -> float:
    match = _WATTS.fullmatch(text)
    if match is None:
        raise _bad(f"{printable(text, 60)!r} is not a number of watts")
    return _number(match[1])


def _window_s(text: str) -> float | None:
    match = _WINDOW.search(text)
    if match is None:
        return None
    unit_s = 1.0 if match[2].lower() == "seconds" else 0.001
    return int(match[1]) * unit_s or None


def _number(text: str) -> float:
    return float(text) if "." in text else int(text)


def _bad(what: str) -> ReadError:
    return ReadError(Reason.BAD_REPLY, f"the power command's output cannot be read: {what}")
