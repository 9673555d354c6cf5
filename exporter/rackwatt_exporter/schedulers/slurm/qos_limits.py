"""Limits of qualities of service (QOS), as slurmdbd keeps them for all of its clusters.

`scontrol show assoc_mgr` is no other source of them: it prints the limits of a QOS for each user
only beside a user who has used it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from rackwatt_exporter.schedulers.model.fields import name
from rackwatt_exporter.schedulers.model.qos_limit import Per, QosLimit
from rackwatt_exporter.schedulers.slurm.associations import rows
from rackwatt_exporter.schedulers.slurm.limit_values import (
    Amounts,
    at,
    json_amounts,
    limited,
    limited_gres,
)
from rackwatt_exporter.schedulers.slurm.limits import EVERY_S
from rackwatt_exporter.schedulers.slurm.rest_json import json_count, text
from rackwatt_exporter.schedulers.slurm.scontrol_output import count
from rackwatt_exporter.schedulers.slurm.subject import (
    Form,
    JsonReply,
    Parsed,
    SlurmSubject,
    decode,
    not_printed,
    unread_note,
)
from rackwatt_exporter.schedulers.slurm.tres import tres_amounts

_COLUMNS = (
    "Name",
    "GrpTRES",
    "GrpJobs",
    "GrpSubmit",
    "MaxTRESPU",
    "MaxJobsPU",
    "MaxSubmitPU",
    "MaxTRESPA",
    "MaxJobsPA",
    "MaxSubmitPA",
)
_SACCTMGR = "`sacctmgr show qos`"
_REST = "/qos"


class _Part(NamedTuple):
    """What a QOS allows to those it is for: TRES, jobs that run, jobs that run or wait."""

    per: Per
    amounts: Amounts | None
    running_jobs: int | None
    submitted_jobs: int | None


class _Reply(JsonReply):
    qos: list[Any] | None = None
    older: list[Any] | None = msgspec.field(default=None, name="QOS")  # of Slurm 22.05


_DECODER = msgspec.json.Decoder(_Reply)
_Read = tuple[str, Sequence[_Part]] | None


def parse_text(output: bytes) -> Parsed:
    """Read what sacctmgr prints.

    Raises:
        ReadError: bad_reply.
    """
    return _limits(map(_of_row, rows(output, len(_COLUMNS))), output, _SACCTMGR)


def parse_json(output: bytes, *, what: str = _REST) -> Parsed:
    """Read what slurmrestd answers, of any version.

    Raises:
        ReadError: bad_reply.
    """
    reply = decode(_DECODER, output, what)
    records = reply.older if reply.qos is None else reply.qos
    read = (_of_json(one) if isinstance(one, dict) else None for one in records or ())
    return _limits(read, output, what)


def _limits(read: Iterable[_Read], output: bytes, what: str) -> Parsed:
    """Return the limits of each QOS that has any; there is one QOS at least.

    What is listed twice, with different limits, cannot be read.
    """
    records = list(read)
    known: dict[str, Sequence[QosLimit]] = {}
    doubtful = set()
    for named, parts in filter(None, records):
        limits = [made for part in parts if (made := _made(named, part)) is not None]
        if known.setdefault(named, limits) != limits:
            doubtful.add(named)
    if not known:
        raise not_printed(output, what)
    certain = [one for named in known.keys() - doubtful for one in known[named]]
    note = unread_note(records.count(None) + len(doubtful), "QOS")
    return Parsed(tuple(sorted(certain, key=lambda one: (one.qos, one.per))), note)


def _made(qos: str, part: _Part) -> QosLimit | None:
    """Return the limits of a part; None where there is none."""
    amounts = part.amounts or {}
    made = QosLimit(
        qos, part.per,
        amounts.get("cpu"), amounts.get("mem"), amounts.get("node"), limited_gres(amounts),
        limited(part.running_jobs), limited(part.submitted_jobs),
    )  # fmt: skip
    return None if made == QosLimit(qos, part.per) else made


def _of_row(row: Sequence[str] | None) -> _Read:
    if row is None:
        return None
    counts = (*row[2:4], *row[5:7], *row[8:10])
    if any(word and count(word) is None for word in counts):
        return None
    numbers = [count(word) for word in counts]
    return _whole(row[0], [tres_amounts(row[place]) for place in (1, 4, 7)], numbers)


def _of_json(record: Mapping[str, Any]) -> _Read:
    limits = at(record, "limits", "max")
    tres = [at(limits, "tres", *keys) for keys in (("total",), ("per", "user"), ("per", "account"))]
    running = at(limits, "jobs", "active_jobs", "per")
    # An older version has the jobs that run in the place of those that were submitted.
    if not isinstance(running, dict) or not all(isinstance(one, list) for one in tres):
        return None
    submitted = at(limits, "jobs", "per")
    counts = (
        at(limits, "active_jobs", "count"), at(limits, "jobs", "count"),
        running.get("user"), at(submitted, "user"),
        running.get("account"), at(submitted, "account"),
    )  # fmt: skip
    numbers = [json_count(value) for value in counts]
    return _whole(text(record.get("name")), [json_amounts(one) for one in tres], numbers)


def _whole(qos: str, amounts: Sequence[Amounts | None], counts: Sequence[int | None]) -> _Read:
    """Return a QOS with its three parts; None where one of them cannot be read."""
    if not name(qos) or None in amounts:
        return None
    pairs = zip(counts[::2], counts[1::2], strict=True)
    whose: tuple[Per, ...] = ("qos", "user", "account")
    return name(qos), [
        _Part(per, tres, *jobs) for per, tres, jobs in zip(whose, amounts, pairs, strict=True)
    ]


def _command(_cluster: str | None) -> Sequence[str]:
    return "sacctmgr", "show", "qos", "-P", "-n", f"format={','.join(_COLUMNS)}"


QOS_LIMITS = SlurmSubject(
    field="qos_limits",
    option="limits",
    noun="limits of QOS",
    forms=(Form(_command, parse_text),),
    path="/slurmdb/{version}/qos",
    parse_reply=parse_json,
    every_s=EVERY_S,
)
