"""What a client wants of Prometheus: parameters of URL and body, each once, with plain times.

Parameters of a URL and of a body are read alike, as Prometheus reads them, and nothing of either is
passed on as it came: a matcher in the one would otherwise escape what is enforced on the other.
Parameters that are not listed are left out, such as one that lengthens the lookback.

https://prometheus.io/docs/prometheus/latest/querying/api/
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import parse_qsl

import promql_parser as promql
from aiohttp import web

from rackwatt_accounting.guard.refusal import GuardError, understood
from rackwatt_accounting.guard.span import Times

FORM = "application/x-www-form-urlencoded"
MATCH = "match[]"
_MAX_FIELDS = 200
_MAX_MATCHES = 50
# A client that names no window gets the last day: Prometheus would look through all it has.
_DEFAULT_S = 24 * 3600.0
_TIMES = {"query": ("time",), "query_range": ("start", "end")}
_SERIES = ("start", "end", "limit")
PARAMETERS = {
    "query": ("query", "time", "timeout", "limit"),
    "query_range": ("query", "start", "end", "step", "timeout", "limit"),
    "labels": _SERIES,
    "values": _SERIES,
    "series": _SERIES,
}
_LABEL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_LIMIT = re.compile(r"[0-9]{1,9}\Z")


class Question(NamedTuple):
    """One question: its kind, its times, its other parameters, and its selectors of series."""

    kind: str
    times: Times
    parameters: Mapping[str, str]
    matches: tuple[str, ...] = ()
    label: str = ""


async def question(request: web.Request, kind: str, now_s: float) -> Question:
    """Read a request.

    Raises:
        GuardError: a parameter is there twice, is missing, or is not as it should be.
    """
    pairs = _pairs(request.rel_url.raw_query_string)
    if request.method == "POST":
        if request.content_type != FORM:
            raise GuardError(f"the body has to be {FORM}", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        pairs += _pairs(await request.read())
    label = request.match_info.get("label", "")
    if kind == "values" and not _LABEL.match(label):
        raise GuardError("this label name is not accepted")
    matches = tuple(value for name, value in pairs if name == MATCH)
    if len(matches) > _MAX_MATCHES:
        raise GuardError(f"there are more than {_MAX_MATCHES} selectors")
    given = _once(pairs, PARAMETERS[kind])
    times, written = _times(kind, given, now_s)
    return Question(kind, times, _checked(kind, {**given, **written}), matches, label)


def _pairs(sent: str | bytes) -> list[tuple[str, str]]:
    try:
        text = sent.decode() if isinstance(sent, bytes) else sent
        return parse_qsl(
            text, keep_blank_values=True, encoding="utf-8", errors="strict",
            max_num_fields=_MAX_FIELDS,
        )  # fmt: skip
    except (ValueError, UnicodeDecodeError):
        raise GuardError("the parameters are not encoded as a form, or are too many") from None


def _once(pairs: list[tuple[str, str]], names: tuple[str, ...]) -> dict[str, str]:
    given: dict[str, str] = {}
    for name, value in pairs:
        if name in names:
            if name in given:
                raise GuardError(f"the parameter {name} is there twice")
            given[name] = value
    return {name: value for name, value in given.items() if value}


def _times(kind: str, given: Mapping[str, str], now_s: float) -> tuple[Times, dict[str, str]]:
    """Return the times of a question, and the parameters that say them without a doubt."""
    if kind == "query":
        at_s = parse_time(given["time"]) if "time" in given else now_s
        return Times(at_s, at_s), {"time": _written(at_s)}
    if kind == "query_range" and not {"start", "end"} <= set(given):
        raise GuardError("the parameters start and end are missing")
    end_s = parse_time(given["end"]) if "end" in given else now_s
    start_s = parse_time(given["start"]) if "start" in given else end_s - _DEFAULT_S
    if end_s < start_s:
        raise GuardError("end is before start")
    return Times(start_s, end_s), {"start": _written(start_s), "end": _written(end_s)}


def _checked(kind: str, given: dict[str, str]) -> dict[str, str]:
    if kind.startswith("query") and "query" not in given:
        raise GuardError("the parameter query is missing")
    if kind == "query_range":
        given["step"] = _written(parse_duration(given.get("step", "")))
    if "timeout" in given:
        given["timeout"] = f"{parse_duration(given['timeout']):.3f}s"
    if "limit" in given and not _LIMIT.match(given["limit"]):
        raise GuardError("limit is no number")
    return given


def parse_time(text: str) -> float:
    """Parse a Unix time or a time of RFC 3339; raises GuardError."""
    try:
        found = float(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise GuardError("a time is neither a Unix time nor one of RFC 3339") from None
        found = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    if not math.isfinite(found) or abs(found) > 2.0**36:
        raise GuardError("a time is out of range")
    return round(found, 3)


def parse_duration(text: str) -> float:
    """Parse seconds or a duration of PromQL, in seconds; raises GuardError."""
    try:
        found = float(text)
    except ValueError:
        with understood():
            found = promql.parse_duration(text).total_seconds()
    if not math.isfinite(found) or not 0 < found < 2.0**36:
        raise GuardError("a duration is out of range")
    return max(0.001, round(found, 3))


def _written(seconds: float) -> str:
    return f"{seconds:.3f}"
