"""Parser of `sdiag`: lines of `key: value` under headings, and tables of RPCs.

The same key is under several headings. A line that cannot be read costs that line: an average that
is not set, as of a type that was never served, costs nothing.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

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
_INSIDE = re.compile(r".*\((\w+)\)\Z")
_JOBS = {
    "Jobs submitted": "submitted",
    "Jobs started": "started",
    "Jobs completed": "completed",
    "Jobs canceled": "cancelled",
    "Jobs failed": "failed",
}
_CYCLES = {
    "count": "Total cycles",
    "last_us": "Last cycle",
    "max_us": "Max cycle",
    "mean_us": "Mean cycle",
    "queue_length": "Last queue length",
}


class _Sections:
    """The lines of an output, by the heading that they are under.

    `numbers` are by key, `rpcs` the rows of tables, None where one cannot be read.
    """

    def __init__(self, text: str) -> None:
        self.numbers: defaultdict[str, dict[str, int]] = defaultdict(dict)
        self.rpcs: defaultdict[str, list[Requests | None]] = defaultdict(list)
        self.since_s: int | None = None
        self._heading = ""
        for line in text.splitlines():
            self._take(line)

    def _take(self, line: str) -> None:
        """Take a line by the first shape that it has; one of no shape is left out."""
        for shape, take in _SHAPES:
            if match := shape.match(line):
                take(self, match)
                return

    def _under(self, match: re.Match[str]) -> None:
        self._heading = _HEADINGS[match[0]]

    def _number(self, match: re.Match[str]) -> None:
        if (number := count(match[2])) is not None:
            self.numbers[self._heading].setdefault(match[1], number)

    def _row(self, match: re.Match[str]) -> None:
        self.rpcs[self._heading].append(requests(match[1], *map(count, match.group(3, 4, 2))))

    def _unread_row(self, _match: re.Match[str]) -> None:
        self.rpcs[self._heading].append(None)

    def _since(self, match: re.Match[str]) -> None:
        self.since_s = time_s(count(match[1]) or 0)


# The shapes of lines, and what is taken of each; the first one counts.
_SHAPES: Sequence[tuple[re.Pattern[str], Callable[[_Sections, re.Match[str]], None]]] = (
    (re.compile("|".join(map(re.escape, _HEADINGS))), _Sections._under),
    (re.compile(r"[ \t]*(\S[^:]*?)[ \t]*:[ \t]*([0-9]+)[ \t]*\Z"), _Sections._number),
    (
        re.compile(
            r"[ \t]+(\S.*?)[ \t]*\([ \t]*([0-9]+)\)[ \t]+count:([0-9]+)[ \t].*total_time:([0-9]+)"
        ),
        _Sections._row,
    ),
    (re.compile(r".*count:"), _Sections._unread_row),
    (re.compile(r"Data since.*\(([0-9]+)\)"), _Sections._since),
)


def parse_text(output: bytes) -> Parsed:
    """Read what sdiag prints.

    Raises:
        ReadError: bad_reply where it is not that.
    """
    text = output.decode("utf-8", "replace")
    start = text.find(_START)
    if start < 0:
        raise not_printed(output, WHAT)
    lines = _Sections(text[start:])
    top, main, backfill = (lines.numbers[heading] for heading in ("", "main", "backfill"))
    read = Diagnostics(
        threads=top.get("Server thread count"),
        agents=top.get("Agent count"),
        agent_threads=top.get("Agent thread count"),
        agent_queue=top.get("Agent queue size"),
        dbd_agent_queue=top.get("DBD Agent queue size"),
        since_s=lines.since_s,
        jobs={word: top[key] for key, word in _JOBS.items() if key in top},
        main=cycles(main, _CYCLES, lines.numbers["main exit"]),
        backfill=cycles(backfill, _CYCLES, lines.numbers["backfill exit"]),
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


def cycles(
    numbers: Mapping[str, int | None], keys: Mapping[str, str], exits: Mapping[str, int | None]
) -> Cycles:
    """Return one kind of cycles; `keys` are those of the numbers, by the fields of Cycles.

    `exits` are counted by the reasons why cycles ended, in the words of the output.
    """
    read = {field: numbers.get(key) for field, key in keys.items()}
    counted = {
        word: number
        for key, number in exits.items()
        if number is not None and (word := exit_reason(key))
    }
    return Cycles(**read, exits=counted)
