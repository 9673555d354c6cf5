"""Limits and fair shares in Slurm's text and JSON: those of one cluster, each once, or a bad reply."""

import re
from collections.abc import Collection
from typing import cast

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.model.fair_share import FairShare
from rackwatt_exporter.schedulers.model.limit import Limit
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm import fair_shares, limits
from rackwatt_exporter.schedulers.slurm.subject import Parsed

_PARSERS = (
    limits.parse_text, limits.parse_manager, limits.parse_json,
    fair_shares.parse_text, fair_shares.parse_json,
)  # fmt: skip


def examine(data: bytes) -> None:
    """Read it as each output and answer."""
    for parse in _PARSERS:
        try:
            parsed = parse(data)
        except ReadError as error:
            assert error.reason is Reason.BAD_REPLY
            assert str(error).isprintable()
            continue
        field = "limits" if parse.__module__ == limits.__name__ else "fairshare"
        _examine(parsed, field, data)


def _examine(parsed: Parsed, field: str, data: bytes) -> None:
    values = cast("Collection[Limit | FairShare]", parsed.value)
    assert len({(one.account, one.user, one.partition) for one in values}) == len(values)
    snapshot = SchedulerSnapshot({}, **{field: tuple(values)})  # type: ignore[arg-type]
    assert relay.decode(relay.encode(snapshot)) == snapshot
    digits = set(re.findall(rb"[0-9]+", data))
    for one in values:
        whole = (one.shares,) if isinstance(one, FairShare) else (one.running_jobs,)
        printed = {str(number).encode() for number in whole if number is not None}
        assert all(any(number in run for run in digits) for number in printed)
