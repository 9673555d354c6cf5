"""What `sdiag` prints: lines of `key: value` under headings, and tables of RPCs.

The same key is under several headings. A line that cannot be read costs that line: an average that
is not set, as of a type that was never served, costs nothing.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rackwatt_exporter.schedulers.model.diagnostics import (
    Backfill,
    Cycles,
    Diagnostics,
    Requests,
)
from rackwatt_exporter.schedulers.model.fields import MAX_COUNT, name, plain_word
from rackwatt_exporter.schedulers.slurm.jobs import time_s
from rackwatt_exporter.schedulers.slurm.scontrol_output import count
from rackwatt_exporter.schedulers.slurm.subject import Parsed, not_printed, unread_note

WHAT = "`sdiag`"
ROW = "row of a table of RPCs"
_START = "sdiag output at"
# Headings, each by its beginning, and what the lines under it are of.
_HEADINGS = {
    "Main schedule statistics": "main",
    "Main scheduler exit": "main exit",
    "Backfilling stats": "backfill",
    "Backfill exit": "backfill exit",
    "Remote Procedure Call statistics by message type": "type",
    "Remote Procedure Call statistics by user": "user",
    "Pending RPC statistics": "pending",
    "Pending RPCs": "pending",
}
_KEY = re.compile(r"[ \t]*(\S[^:]*?)[ \t]*:[ \t]*([0-9]+)[ \t]*\Z")
_EPOCH = re.compile(r"Data since.*\(([0-9]+)\)")
_RPC = re.compile(
    r"[ \t]+(\S.*?)[ \t]*\([ \t]*([0-9]+)\)[ \t]+count:([0-9]+)[ \t].*total_time:([0-9]+)"
)
_INSIDE = re.compile(r".*\((\w+)\)\Z")
_JOBS = {
    "Jobs submitted": "submitted",
    "Jobs started": "started",
    "Jobs completed": "completed",
    "Jobs canceled": "cancelled",
    "Jobs failed": "failed",
}


class _Lines(NamedTuple):
    """The numbers under each heading, by key, and the rows of the tables."""

    numbers: Mapping[str, Mapping[str, int]]
    rpcs: Mapping[str, list[Requests | None]]
    since_s: int | None


def parse_text(output: bytes) -> Parsed:
    """Read what sdiag prints.

    Raises:
        ReadError: bad_reply where it is not that.
    """
    text = output.decode("utf-8", "replace")
    start = text.find(_START)
    if start < 0:
        raise not_printed(output, WHAT)
    lines = _sorted(text[start:])
    top, main, backfill = (lines.numbers[heading] for heading in ("", "main", "backfill"))
    read = Diagnostics(
        threads=top.get("Server thread count"),
        agents=top.get("Agent count"),
        agent_threads=top.get("Agent thread count"),
        agent_queue=top.get("Agent queue size"),
        dbd_agent_queue=top.get("DBD Agent queue size"),
        since_s=lines.since_s,
        jobs={word: top[key] for key, word in _JOBS.items() if key in top},
        main=_cycles(main, lines.numbers["main exit"]),
        backfill=_cycles(backfill, lines.numbers["backfill exit"]),
        backfilled=Backfill(
            jobs=backfill.get("Total backfilled jobs (since last slurm start)"),
            het_jobs=backfill.get("Total backfilled heterogeneous job components"),
            last_depth=backfill.get("Last depth cycle"),
            last_tried_depth=backfill.get("Last depth cycle (try sched)"),
            table_size=backfill.get("Last table size"),
        ),
        rpcs_by_type=by_name(lines.rpcs["type"]),
        rpcs_by_user=by_name(lines.rpcs["user"]),
    )
    unread = (*lines.rpcs["type"], *lines.rpcs["user"]).count(None)
    return Parsed(read, unread_note(unread, ROW))


def by_name(rows: Iterable[Requests | None]) -> tuple[Requests, ...]:
    """Return the rows of a table that could be read, in the order of their names.

    Rows of one name add up: Slurm has one name for all users that have none on its host.
    """
    merged: dict[str, Requests] = {}
    for row in rows:
        if row is not None:
            same = merged.get(row.name)
            merged[row.name] = row if same is None else _together(same, row)
    return tuple(merged[name] for name in sorted(merged))


def _together(one: Requests, other: Requests) -> Requests:
    spent_us = min(MAX_COUNT, one.time_us + other.time_us)
    return Requests(one.name, min(MAX_COUNT, one.count + other.count), spent_us)


def requests(
    text: str, count: int | None, time_us: int | None, number: int | None
) -> Requests | None:
    """Return a row of a table; None where its name, its count or its time cannot be read."""
    if not name(text) or count is None or time_us is None:
        return None
    return Requests(name(text), count, time_us, number)


def exit_reason(text: str) -> str:
    """Return the word of a reason why a cycle ended, the same for text and JSON."""
    inside = _INSIDE.match(text)
    word = inside[1] if inside else text.removeprefix("Hit ").removeprefix("Blocked on ")
    plain = plain_word(word).removeprefix("sched_").removeprefix("bf_")
    return {"end_of_job_queue": "end_job_queue", "system_state_changed": "state_changed"}.get(
        plain, plain
    )


def _sorted(text: str) -> _Lines:
    """Sort the lines by the heading that they are under."""
    numbers: defaultdict[str, dict[str, int]] = defaultdict(dict)
    rpcs: defaultdict[str, list[Requests | None]] = defaultdict(list)
    since_s = None
    heading = ""
    for line in text.splitlines():
        started = next((word for start, word in _HEADINGS.items() if line.startswith(start)), None)
        if started is not None:
            heading = started
        elif match := _KEY.match(line):
            if (number := count(match[2])) is not None:
                numbers[heading].setdefault(match[1], number)
        elif row := _RPC.match(line):
            rpcs[heading].append(requests(row[1], *map(count, row.group(3, 4, 2))))
        elif "count:" in line:
            rpcs[heading].append(None)
        elif epoch := _EPOCH.match(line):
            since_s = time_s(count(epoch[1]) or 0)
    return _Lines(numbers, rpcs, since_s)


def _cycles(numbers: Mapping[str, int], exits: Mapping[str, int]) -> Cycles:
    return Cycles(
        count=numbers.get("Total cycles"),
        last_us=numbers.get("Last cycle"),
        max_us=numbers.get("Max cycle"),
        mean_us=numbers.get("Mean cycle"),
        queue_length=numbers.get("Last queue length"),
        exits={word: number for key, number in exits.items() if (word := exit_reason(key))},
    )
