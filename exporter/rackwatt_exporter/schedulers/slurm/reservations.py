"""Reservations as `scontrol show res` prints them, in JSON or text, and as slurmrestd answers them.

JSON has no state: as scontrol does, we compare the times with the clock of this host.
"""

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

from rackwatt_exporter.schedulers.model.fields import MAX_FLAGS, name, plain_word
from rackwatt_exporter.schedulers.model.reservation import Reservation
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.jobs import expand_nodes, names, time_s
from rackwatt_exporter.schedulers.slurm.rest_json import json_count
from rackwatt_exporter.schedulers.slurm.scontrol_output import count, parse_records, word
from rackwatt_exporter.schedulers.slurm.subject import (
    Form,
    JsonArray,
    Parsed,
    SlurmSubject,
    listed,
    of_cluster,
)

_WHAT = "`scontrol show res`"
_NONE = "No reservations in the system"
_NOUN = "reservation"
_KEPT = frozenset({"reserved", "maintenance"})  # flags of nodes
_ARRAY = JsonArray("reservations")


def parse_json(output: bytes, now_s: float | None = None, *, what: str = _WHAT) -> Parsed:
    """Read the answer in JSON, of any version, at a Unix time, None for now.

    Raises:
        ReadError: bad_reply.
    """
    at_s = time.time() if now_s is None else now_s
    return listed(_ARRAY.records(output, what), partial(_of_json, now_s=at_s), _NOUN)


def parse_text(output: bytes) -> Parsed:
    """Read what scontrol prints with SLURM_TIME_FORMAT=%s.

    Raises:
        ReadError: bad_reply.
    """
    records = parse_records(output, "ReservationName", _NONE, _WHAT)
    return listed(records, _of_text, _NOUN)


def doubt(reservations: tuple[Reservation, ...], snapshot: SchedulerSnapshot) -> str:
    """Return why there cannot be no reservation: Slurm says nothing where it hides them."""
    if reservations or all(_KEPT.isdisjoint(node.flags) for node in snapshot.nodes.values()):
        return ""
    return "nodes are reserved: PrivateData=reservations hides them from this user"


def _of_json(record: Mapping[str, Any], now_s: float) -> Reservation | None:
    named, words = record.get("name"), record.get("flags")
    flags = words if isinstance(words, list) else []
    started_at_s, ends_at_s = (
        time_s(json_count(record.get(key)) or 0) for key in ("start_time", "end_time")
    )
    texts = {key: value for key, value in record.items() if isinstance(value, str)}
    if not isinstance(named, str) or not name(named):
        return None
    return Reservation(
        name(named),
        active=_is_active(started_at_s, ends_at_s, now_s),
        started_at_s=started_at_s,
        ends_at_s=ends_at_s,
        nodes=expand_nodes(texts.get("node_list", "")),
        node_count=json_count(record.get("node_count")),
        cores=json_count(record.get("core_count")),
        users=_names(texts.get("users", "")),
        accounts=_names(texts.get("accounts", "")),
        partition=name(texts.get("partition", "")),
        flags=_flags([flag for flag in flags if isinstance(flag, str)]),
    )


def _of_text(record: Mapping[str, str]) -> Reservation | None:
    named = name(record["ReservationName"])
    if not named:
        return None
    return Reservation(
        named,
        active={"ACTIVE": True, "INACTIVE": False}.get(record.get("State", "")),
        started_at_s=time_s(count(record.get("StartTime")) or 0),
        ends_at_s=time_s(count(record.get("EndTime")) or 0),
        nodes=expand_nodes(record.get("Nodes", "")),
        node_count=count(record.get("NodeCnt")),
        cores=count(record.get("CoreCnt")),
        users=_names(record.get("Users", "")),
        accounts=_names(record.get("Accounts", "")),
        partition=name(word(record.get("PartitionName"))),
        flags=_flags(word(record.get("Flags")).split(",")),
    )


def _is_active(started_at_s: int | None, ends_at_s: int | None, now_s: float) -> bool | None:
    if started_at_s is None or ends_at_s is None:
        return None
    return started_at_s <= now_s <= ends_at_s


def _names(text: str) -> tuple[str, ...]:
    return names(text.split(","))


def _flags(words: list[str]) -> tuple[str, ...]:
    """Return flags as words, without the value that one may have, such as PURGE_COMP=00:05:00."""
    plain = (plain_word(flag.partition("=")[0]) for flag in words)
    return tuple(dict.fromkeys(flag for flag in plain if flag))[:MAX_FLAGS]


RESERVATIONS = SlurmSubject(
    field="reservations",
    option="reservations",
    noun="reservations",
    forms=(Form(of_cluster("scontrol", "-o", "show", "res"), parse_text),),
    path="/slurm/{version}/reservations",
    parse_reply=parse_json,
    doubt=doubt,
)
