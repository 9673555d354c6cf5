"""Diagnostics of slurmctld: from `sdiag`, in JSON where it has it, and from slurmrestd.

JSON has the sums that text leaves out. A number that is not as it should be was not reported: it
costs no other.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from rackwatt_exporter.schedulers.model.diagnostics import (
    Backfill,
    Diagnostics,
    Requests,
)
from rackwatt_exporter.schedulers.slurm.jobs import time_s
from rackwatt_exporter.schedulers.slurm.rest_json import json_count
from rackwatt_exporter.schedulers.slurm.sdiag_text import (
    ROW,
    WHAT,
    by_name,
    cycles,
    parse_text,
    requests,
)
from rackwatt_exporter.schedulers.slurm.subject import (
    Form,
    JsonReply,
    Parsed,
    SlurmSubject,
    decode,
    not_printed,
    of_cluster,
    unread_note,
)

_JOBS = {
    "jobs_submitted": "submitted",
    "jobs_started": "started",
    "jobs_completed": "completed",
    "jobs_canceled": "cancelled",
    "jobs_failed": "failed",
}
_MAIN = {
    "count": "schedule_cycle_total",
    "last_us": "schedule_cycle_last",
    "max_us": "schedule_cycle_max",
    "mean_us": "schedule_cycle_mean",
    "sum_us": "schedule_cycle_sum",
    "queue_length": "schedule_queue_length",
}
_BACKFILL = {
    "count": "bf_cycle_counter",
    "last_us": "bf_cycle_last",
    "max_us": "bf_cycle_max",
    "mean_us": "bf_cycle_mean",
    "sum_us": "bf_cycle_sum",
    "queue_length": "bf_queue_len",
}
# Only there does an answer have what it is about; one of all zeros could be anything.
_ESSENTIAL = "server_thread_count"


class _Reply(JsonReply):
    statistics: dict[str, Any] | None = None


_DECODER = msgspec.json.Decoder(_Reply)


def parse_json(output: bytes, *, what: str = WHAT) -> Parsed:
    """Read the answer in JSON, of any version.

    Raises:
        ReadError: bad_reply.
    """
    statistics = decode(_DECODER, output, what).statistics
    if statistics is None or _ESSENTIAL not in statistics:
        raise not_printed(output, what)
    types = _rows(statistics.get("rpcs_by_message_type"), "message_type", "type_id")
    users = _rows(statistics.get("rpcs_by_user"), "user", "user_id", named=str)
    read = msgspec.structs.replace(
        _of_daemon(statistics), rpcs_by_type=by_name(types), rpcs_by_user=by_name(users)
    )
    return Parsed(read, unread_note((*types, *users).count(None), ROW))


def _of_daemon(statistics: Mapping[str, Any]) -> Diagnostics:
    """Return all but the tables of RPCs."""
    numbers = {key: json_count(value) for key, value in statistics.items()}
    jobs = {word: numbers.get(key) for key, word in _JOBS.items()}
    return Diagnostics(
        threads=numbers.get("server_thread_count"),
        agents=numbers.get("agent_count"),
        agent_threads=numbers.get("agent_thread_count"),
        agent_queue=numbers.get("agent_queue_size"),
        dbd_agent_queue=numbers.get("dbd_agent_queue_size"),
        since_s=time_s(numbers.get("req_time_start") or 0),
        jobs={word: number for word, number in jobs.items() if number is not None},
        main=cycles(numbers, _MAIN, _counts(statistics.get("schedule_exit"))),
        backfill=cycles(numbers, _BACKFILL, _counts(statistics.get("bf_exit"))),
        backfilled=Backfill(
            jobs=numbers.get("bf_backfilled_jobs"),
            het_jobs=numbers.get("bf_backfilled_het_jobs"),
            last_depth=numbers.get("bf_last_depth"),
            last_tried_depth=numbers.get("bf_last_depth_try"),
            table_size=numbers.get("bf_table_size"),
        ),
    )


def _counts(exits: Any) -> Mapping[str, int | None]:
    items = exits.items() if isinstance(exits, dict) else ()
    return {key: json_count(value) for key, value in items}


def _rows(
    rows: Any, name_key: str, number_key: str, named: Callable[[int], str] = lambda _: ""
) -> list[Requests | None]:
    """Return the rows of a table, None for one that cannot be read.

    `named` gives the name of a number whose row has none, as of a user without a passwd entry.
    """
    listed_rows = rows if isinstance(rows, list) else []
    return [
        _row(row, name_key, json_count(row.get(number_key)), named)
        if isinstance(row, dict)
        else None
        for row in listed_rows
    ]


def _row(
    row: Mapping[str, Any], name_key: str, number: int | None, named: Callable[[int], str]
) -> Requests | None:
    text = row.get(name_key)
    name = text if isinstance(text, str) else ""
    if text == "" and number is not None:
        name = named(number)
    return requests(name, json_count(row.get("count")), json_count(row.get("total_time")), number)


DIAGNOSTICS = SlurmSubject(
    field="diagnostics",
    option="diagnostics",
    noun="diagnostics",
    forms=(
        Form(of_cluster("sdiag", "--json"), parse_json),
        Form(of_cluster("sdiag"), parse_text),
    ),
    path="/slurm/{version}/diag",
    parse_reply=parse_json,
)
