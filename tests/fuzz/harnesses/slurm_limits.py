"""Limits of QOS and the use of limits, in Slurm's text and JSON: each once, or a bad reply."""

import re

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm import limit_usage, qos_limits
from rackwatt_exporter.schedulers.slurm.subject import Parsed

_PARSERS = (qos_limits.parse_text, qos_limits.parse_json, limit_usage.parse_text)


def examine(data: bytes) -> None:
    """Read it as each output and answer."""
    for parse in _PARSERS:
        try:
            parsed = parse(data)
        except ReadError as error:
            assert error.reason is Reason.BAD_REPLY
            assert str(error).isprintable()
            continue
        if parse is limit_usage.parse_text:
            _examine_usage(parsed, data)
        else:
            _examine_limits(parsed)


def _examine_limits(parsed: Parsed) -> None:
    assert isinstance(parsed.value, tuple)
    assert len({(one.qos, one.per) for one in parsed.value}) == len(parsed.value)
    _carried(SchedulerSnapshot({}, qos_limits=parsed.value))


def _examine_usage(parsed: Parsed, data: bytes) -> None:
    """Every number of jobs was printed."""
    assert isinstance(parsed.value, tuple)
    assert len({one.key for one in parsed.value}) == len(parsed.value)
    _carried(SchedulerSnapshot({}, limit_usage=parsed.value))
    printed = set(re.findall(rb"[0-9]+", data))
    for one in parsed.value:
        if one.limit.endswith("_jobs"):
            numbers = {str(one.used).encode(), str(one.allowed).encode()}
            assert all(any(number in run for run in printed) for number in numbers)


def _carried(snapshot: SchedulerSnapshot) -> None:
    assert relay.decode(relay.encode(snapshot)) == snapshot
