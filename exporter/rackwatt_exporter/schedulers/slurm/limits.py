"""Limits of associations, as slurmdbd keeps them and as slurmctld enforces them.

`sacctmgr` asks slurmdbd. Where that fails, or lists too much or too little, the same limits come
from slurmctld, which prints forty times as much. GrpTRES, GrpJobs and GrpSubmitJobs are for all
jobs of an association together. MaxJobs and MaxSubmitJobs are for each user, who has the account's
where none of its own is set.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rackwatt_exporter.schedulers.model.limit import Limit
from rackwatt_exporter.schedulers.slurm.associations import Association, rows, whole_list
from rackwatt_exporter.schedulers.slurm.limit_values import (
    Amounts,
    at,
    json_amounts,
    limited,
    limited_gres,
)
from rackwatt_exporter.schedulers.slurm.rest_json import json_count, text
from rackwatt_exporter.schedulers.slurm.scontrol_output import count, parse_records
from rackwatt_exporter.schedulers.slurm.subject import (
    Form,
    JsonArray,
    Parsed,
    SlurmSubject,
    of_cluster,
)
from rackwatt_exporter.schedulers.slurm.tres import tres_amounts

# One second of MariaDB's CPU reads 8,000 associations: once in ten minutes is no load.
EVERY_S = 600.0
_COLUMNS = (
    "Cluster",
    "Account",
    "User",
    "Partition",
    "ParentName",
    "GrpTRES",
    "GrpJobs",
    "GrpSubmit",
    "MaxJobs",
    "MaxSubmit",
)
_SACCTMGR = "`sacctmgr show assoc`"
_SCONTROL = "`scontrol show assoc_mgr`"
_REST = "/associations"
_EMPTY = "No associations currently cached"
_COUNTS = ("GrpJobs", "GrpSubmitJobs", "MaxJobs", "MaxSubmitJobs")
_IN_USE = re.compile(r"\([^()]*\)")  # behind each limit, and an id behind each name
_NONE = "=N"

_Read = tuple[Association, Limit] | None
_ARRAY = JsonArray("associations")


def parse_text(output: bytes) -> Parsed:
    """Read what sacctmgr prints.

    Raises:
        ReadError: bad_reply.
    """
    return _limits(map(_of_row, rows(output, len(_COLUMNS))), output, _SACCTMGR)


def parse_manager(output: bytes) -> Parsed:
    """Read what scontrol prints of slurmctld's association manager.

    Raises:
        ReadError: bad_reply.
    """
    records = parse_records(output, "ClusterName", _EMPTY, _SCONTROL)
    return _limits(map(_of_record, records), output if records else b"", _SCONTROL)


def parse_json(output: bytes, *, what: str = _REST) -> Parsed:
    """Read what slurmrestd answers, of any version.

    Raises:
        ReadError: bad_reply.
    """
    records = _ARRAY.records(output, what)
    read = (_of_json(one) if isinstance(one, dict) else None for one in records)
    return _limits(read, output if records else b"", what)


def _limits(read: Iterable[_Read], output: bytes, what: str) -> Parsed:
    """Return the limits of the associations that have any."""
    limits, note = whole_list(read, output, what)
    free = (Limit(one.account, one.user, one.partition, one.parent) for one in limits)
    return Parsed(tuple(one for one, none in zip(limits, free, strict=True) if one != none), note)


def _of_row(row: Sequence[str] | None) -> _Read:
    if row is None:
        return None
    words, tres, counts = row[:5], row[5], row[6:]
    if any(word and count(word) is None for word in counts):
        return None
    return _read(Association.of(*words), tres_amounts(tres), [count(word) for word in counts])


def _of_record(record: Mapping[str, str]) -> _Read:
    record = {key: _IN_USE.sub("", value) for key, value in record.items()}
    keys = ("ClusterName", "Account", "UserName", "Partition", "ParentAccount")
    if not {*keys, *_COUNTS, "GrpTRES"} <= record.keys():
        return None
    tres = ",".join(one for one in record["GrpTRES"].split(",") if not one.endswith(_NONE))
    counts = [count(record[key]) for key in _COUNTS]
    return _read(Association.of(*(record[key] for key in keys)), tres_amounts(tres), counts)


def _of_json(record: Mapping[str, Any]) -> _Read:
    keys = ("cluster", "account", "user", "partition", "parent_account")
    total = at(record, "max", "tres", "total")
    jobs = at(record, "max", "jobs")
    if not isinstance(total, list) or not isinstance(jobs, dict):
        return None
    counts = (
        at(jobs, "per", "count"), at(jobs, "per", "submitted"), at(jobs, "active"),
        at(jobs, "total"),
    )  # fmt: skip
    association = Association.of(*(text(record.get(key)) for key in keys))
    return _read(association, json_amounts(total), [json_count(value) for value in counts])


def _read(
    association: Association | None, amounts: Amounts | None, counts: Sequence[int | None]
) -> _Read:
    """Return an association with its limits; None where either cannot be read."""
    if association is None or amounts is None:
        return None
    limits = map(limited, counts)
    _, account, user, partition, parent = association
    return association, Limit(
        account, user, partition, parent,
        amounts.get("cpu"), amounts.get("mem"), amounts.get("node"), limited_gres(amounts), *limits,
    )  # fmt: skip


def _of_accounting(cluster: str | None) -> Sequence[str]:
    own = (f"cluster={cluster}",) if cluster else ()
    return "sacctmgr", "show", "assoc", "-P", "-n", *own, f"format={','.join(_COLUMNS)}"


LIMITS = SlurmSubject(
    field="limits",
    option="limits",
    noun="limits",
    forms=(
        Form(_of_accounting, parse_text),
        Form(of_cluster("scontrol", "-o", "show", "assoc_mgr", "flags=assoc"), parse_manager),
    ),
    path="/slurmdb/{version}/associations",
    parse_reply=parse_json,
    every_s=EVERY_S,
    by_cluster=True,
)
