"""Partitions as `scontrol show partition` prints them, and as slurmrestd answers them.

Text has all that is read of a partition in every version, on one line each.
"""

import re
from collections.abc import Mapping
from typing import Any

from rackwatt_exporter.schedulers.model.fields import MAX_COUNT, name, plain_word
from rackwatt_exporter.schedulers.model.queue import Queue
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.slurm.rest_json import json_count
from rackwatt_exporter.schedulers.slurm.scontrol_output import count, parse_records
from rackwatt_exporter.schedulers.slurm.subject import (
    Form,
    JsonArray,
    Parsed,
    SlurmSubject,
    listed,
    of_cluster,
)
from rackwatt_exporter.schedulers.slurm.tres import parse_tres

_WHAT = "`scontrol show partition`"
_NOUN = "partition"
_NONE = "No partitions in the system"
_MINUTE_S = 60
_TIME = re.compile(r"(?:([0-9]{1,9})-)?([0-9]{1,9}):([0-5][0-9]):([0-5][0-9])\Z")
_ARRAY = JsonArray("partitions")


def parse_json(output: bytes, *, what: str = _WHAT) -> Parsed:
    """Read the answer in JSON, of any version.

    Raises:
        ReadError: bad_reply.
    """
    return listed(_ARRAY.records(output, what), _of_json, _NOUN)


def parse_text(output: bytes) -> Parsed:
    """Read what scontrol prints.

    Raises:
        ReadError: bad_reply.
    """
    records = parse_records(output, "PartitionName", _NONE, _WHAT)
    return listed(records, _of_text, _NOUN)


def _of_text(record: Mapping[str, str]) -> Queue | None:
    named, state = name(record["PartitionName"]), plain_word(record.get("State", ""))
    if not (named and state):
        return None
    return Queue(
        named,
        state,
        nodes=count(record.get("TotalNodes")),
        total=_total(count(record.get("TotalCPUs")), record.get("TRES", "")),
        max_time_s=_time_s(record.get("MaxTime", "")),
        max_nodes=count(record.get("MaxNodes")),
    )


def _of_json(record: Mapping[str, Any]) -> Queue | None:
    """Read a partition, whose fields are in objects such as `nodes` from v0.0.39 on."""
    nodes, cpus, maximums, tres, partition = (
        part if isinstance(part := record.get(key), dict) else {}
        for key in ("nodes", "cpus", "maximums", "tres", "partition")
    )
    named, state = record.get("name"), _state(partition.get("state", record.get("state")))
    if not (isinstance(named, str) and name(named) and state):
        return None
    max_minutes = json_count(maximums.get("time", record.get("max_time_limit")))
    configured = tres.get("configured", record.get("tres"))
    return Queue(
        name(named),
        state,
        nodes=json_count(nodes.get("total", record.get("total_nodes"))),
        total=_total(json_count(cpus.get("total", record.get("total_cpus"))), configured),
        max_time_s=_bounded(None if max_minutes is None else max_minutes * _MINUTE_S),
        max_nodes=json_count(maximums.get("nodes", record.get("maximum_nodes_per_job"))),
    )


def _state(value: Any) -> str:
    """Return the state, which was a word and is a list of one now; empty where there is none."""
    word = value[0] if isinstance(value, list) and value else value
    return plain_word(word) if isinstance(word, str) else ""


def _total(cpus: int | None, tres: Any) -> Resources:
    """Return what all nodes have together; CPUs are there also where TRES are not accounted."""
    listed_resources = parse_tres(tres) if isinstance(tres, str) else Resources()
    return Resources(cpus, listed_resources.memory_bytes, listed_resources.gres)


def _time_s(text: str) -> int | None:
    """Return a time such as 1-00:00:00 in seconds; None of UNLIMITED."""
    match = _TIME.match(text)
    if match is None:
        return None
    days, hours, minutes, seconds = (int(group or 0) for group in match.groups())
    return _bounded(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def _bounded(number: int | None) -> int | None:
    return None if number is None or number > MAX_COUNT else number


PARTITIONS = SlurmSubject(
    field="queues",
    option="partitions",
    noun="partitions",
    forms=(Form(of_cluster("scontrol", "-a", "-o", "show", "partition"), parse_text),),
    path="/slurm/{version}/partitions",
    parse_reply=parse_json,
    every_s=60,
)
