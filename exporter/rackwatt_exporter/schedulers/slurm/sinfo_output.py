"""Parser of sinfo's output, found by its own shape: a login shell may print around it.

Each line has a mark behind its first name, which is a part of the format that the exporter gives
sinfo. A greeting has none, though it may have all columns of a node. Lines without the mark count
only where no line has it: a sinfo of a site's own may have another format.

Each line names its node before and behind each text of free choice. What is right before the first
name without a newline, such as a window title or "Loading modules... ", cannot become a part of it:
the second name is the right one. A reason may hold any character, column marks too: it ends at the
last name, and nothing in it is read as another node. A line that is the same as at the last poll,
but for what was measured on the node, is not parsed again.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from sys import intern
from typing import NamedTuple

import msgspec

from rackwatt_exporter.protocols.command.process import one_line
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.fields import MAX_NAMES
from rackwatt_exporter.schedulers.model.node import NodeUsage, SchedulerNode
from rackwatt_exporter.schedulers.model.node_state import ParsedState, parse_state
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.model.snapshot import share
from rackwatt_exporter.schedulers.slurm.cluster_header import check_cluster
from rackwatt_exporter.schedulers.slurm.jobs import names, time_s
from rackwatt_exporter.schedulers.slurm.node_usage import make_usage
from rackwatt_exporter.schedulers.slurm.output_format import MARK, output_format
from rackwatt_exporter.schedulers.slurm.tres import parse_gres, parse_memory

# Two spellings of the state, since Slurm before 20.11 leaves the complete one empty.
_STATES = ("NodeList", "StateComplete", "StateLong", "NodeList")
_REASON = ("PartitionName", "NodeList", "Reason", "NodeList")
_RESOURCES = (
    "CPUsState",
    "Memory",
    "AllocMem",
    "Gres",
    "GresUsed",
    "Features_act",
    "Timestamp",
    "Weight",
)
_USAGE = ("CPUsLoad", "FreeMem")
_COLUMNS = (*_STATES, *_REASON, *_RESOURCES, "NodeList", *_USAGE, "NodeList")
NODES = ("-N", "-O", output_format(_COLUMNS))
COUNT = ("-o", "%D|%D|")

# Sequences that control a terminal (ECMA-48): those with a text up to its end, those with
# parameters, and the short ones.
_CONTROL = re.compile(
    r"\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-OQ-WYZ\\`-~]"
)
_STATE, _NAME = r"([A-Za-z0-9_+*~#!%$@^-]{0,200})", r"([A-Za-z0-9._-]{1,255})"
# All that follows a node's name. What follows the second one may be cut off, or be that of a sinfo
# of a site's own that does not know our last columns.
_STATES_ON = (
    rf"{_STATE}\|{_STATE}\|{_NAME}\|(?:([^|\s]{{0,255}})\|\3\|"
    rf"(?:(.*)\|\3\|((?:[^|]*\|){{{len(_RESOURCES)}}})\3\|(?:([^|]*\|[^|]*)\|\3\|)?|(.*)\|\3\||.*))?"
)
_MARKED = re.compile(re.escape(MARK) + _STATES_ON)
_NAMED_TWICE = re.compile(rf"\|{_STATES_ON}")
_NAMED_ONCE = re.compile(rf"{_NAME}\|{_STATE}\|{_STATE}\|(?!{_NAME}\|)")
_COUNT = re.compile(r"([0-9]{1,9})\|([0-9]{1,9})\|")
_CPUS = re.compile(r"([0-9]{1,9})/([0-9]{1,9})/([0-9]{1,9})/([0-9]{1,9})\Z")
_WEIGHT = re.compile(r"[0-9]{1,10}\Z")
_LOAD = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?\Z")
_TIME = re.compile(r"[0-9]{1,14}\Z")
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)+(?:-[0-9][A-Za-z0-9.]*)?")
_NO_REASON = "none"
_LONGEST_SHOWN = 80


class Listed(NamedTuple):
    """Each node, and the lines that look like sinfo's and could not be read.

    `incomplete` are the nodes whose rows all lack the columns of resources. `rows` are those of
    each node; `by_line` has the row of each line, without what was measured.
    """

    nodes: dict[str, SchedulerNode]
    unread: tuple[str, ...] = ()
    incomplete: frozenset[str] = frozenset()
    usage: Mapping[str, NodeUsage] = {}
    rows: Mapping[str, Sequence["Row"]] = {}
    by_line: Mapping[str, "Row"] = {}


_NONE = Listed({})


class _Resources(NamedTuple):
    """Since when a reason is set, the features, what can be and is allocated, the weight."""

    since_s: int | None = None
    features: tuple[str, ...] = ()
    total: Resources | None = None
    allocated: Resources | None = None
    weight: int | None = None


class Row(msgspec.Struct, frozen=True, gc=False):
    """A node in one of its partitions; `line` is what was printed, without what was measured."""

    name: str
    state: ParsedState
    partition: str = ""
    reason: str = ""
    resources: _Resources | None = None
    line: str = ""


def parse_nodes(
    output: bytes, cluster: str | None, version: bytes = b"", last: Listed = _NONE
) -> Listed:
    """Read what sinfo printed for NODES. A node is listed once for each of its partitions.

    `version` is what was printed for `sinfo --version`, where sinfo itself names no cluster; `last`
    is what the last poll came to: a node whose rows are the same is the same record.

    Raises:
        ReadError: bad_reply where no line is one of a node, or where the answer is that of another
            cluster than `cluster`; None is the one that answers without a name.
    """
    text = _text(output)
    check_cluster("sinfo", text, cluster, _text(version))
    lines = [line for line in text.split("\n") if "|" in line]
    by_line: dict[str, Row] = {}
    marked = partial(_remembered, last.by_line, by_line)
    # The later ones are of a sinfo of a site's own, whose columns are not all ours.
    for rows_of in (marked, partial(_rows, _NAMED_TWICE), _named_once):
        listed = _listed(lines, rows_of, last)
        if listed.nodes:
            return listed._replace(by_line=by_line)
    raise ReadError(Reason.BAD_REPLY, _no_nodes(output))


def parse_count(output: bytes) -> int | None:
    """Read what sinfo printed for COUNT; None where it is no number of nodes."""
    text = _text(output)
    twice = [last for first, last in _COUNT.findall(text) if first.endswith(last)]
    alone = [line.strip() for line in text.splitlines() if re.fullmatch(r"\s*[0-9]{1,9}\s*", line)]
    return int((twice or alone)[-1]) if twice or alone else None


def parse_version(output: bytes) -> str:
    """Read what `sinfo --version` printed; empty where there is no version."""
    versions = _VERSION.findall(_text(output))
    return versions[-1][:40] if versions else ""


def shown(line: str) -> str:
    """Make a line fit for a message."""
    return one_line(line, 0)[:_LONGEST_SHOWN]


def _text(output: bytes) -> str:
    return _CONTROL.sub(" ", output.decode("utf-8", "replace"))


def _listed(
    lines: Iterable[str], rows_of: Callable[[str], Iterable[tuple[Row, str]]], last: Listed
) -> Listed:
    """Make one node of its rows, one for each partition; each comes with what was measured."""
    rows: defaultdict[str, list[Row]] = defaultdict(list)
    measured: dict[str, str] = {}
    unread: dict[str, None] = {}
    for line in lines:
        row = None
        for row, usage in rows_of(line):
            rows[row.name].append(row)
            if usage:
                measured[row.name] = usage
        if row is None:
            unread[shown(line)] = None
    nodes = share(
        (name, last.nodes[name] if last.rows.get(name) == of_node else _node(of_node))
        for name, of_node in rows.items()
    )
    usages = ((name, _usage(nodes[name], text)) for name, text in measured.items())
    return Listed(
        nodes,
        tuple(unread),
        frozenset(
            name for name, of_node in rows.items() if not any(row.resources for row in of_node)
        ),
        {name: usage for name, usage in usages if usage is not None},
        rows,
    )


def _remembered(
    last: Mapping[str, Row], by_line: dict[str, Row], line: str
) -> Iterable[tuple[Row, str]]:
    """Return the rows of a line, that of the last poll if only what was measured differs."""
    lasting, *rest = line.rsplit("|", len(_USAGE) + 2)
    row = last.get(lasting)
    if row is not None and rest[-2] == row.name and not rest[-1]:
        by_line[row.line] = row
        return ((row, "|".join(rest[:-2])),)
    rows = tuple(_rows(_MARKED, line))
    if len(rows) == 1 and rest == [*rows[0][1].split("|"), rows[0][0].name, ""]:
        ((row, usage),) = rows
        by_line[lasting] = row = msgspec.structs.replace(row, line=lasting)
        return ((row, usage),)
    return rows


def _node(rows: Sequence[Row]) -> SchedulerNode:
    row = rows[-1]
    since_s, features, total, allocated, weight = row.resources or _Resources()
    partitions = dict.fromkeys(row.partition for row in rows if row.partition)
    return SchedulerNode(
        *row.state,
        partitions=tuple(sorted([*partitions][:MAX_NAMES])),
        reason=row.reason,
        reason_at_s=since_s if row.reason else None,
        features=features,
        total=total,
        allocated=allocated,
        weight=weight,
    )


def _usage(node: SchedulerNode, text: str) -> NodeUsage | None:
    load, free = text.split("|")
    return make_usage(node, _number(load), parse_memory(free))


def _number(text: str) -> float | None:
    return float(text) if _LOAD.match(text) else None


@lru_cache(4096)
def _resources(text: str) -> _Resources:
    """Read the columns of resources; what is not as it should be was not reported."""
    cpus, memory, allocated_memory, gres, gres_used, features, since, weight, _ = text.split("|")
    states = _CPUS.match(cpus)
    return _Resources(
        time_s(int(since)) if _TIME.match(since) else None,
        names(features.split(",")),
        Resources(int(states[4]) if states else None, parse_memory(memory), _gres(gres)),
        Resources(
            int(states[1]) if states else None, parse_memory(allocated_memory), _gres(gres_used)
        ),
        int(weight) if _WEIGHT.match(weight) else None,
    )


def _gres(text: str) -> tuple[Gres, ...] | None:
    return parse_gres(text) if text else None


def _rows(shape: re.Pattern[str], line: str) -> Iterator[tuple[Row, str]]:
    position = 0
    while match := shape.search(line, position):
        complete, long, name, partition, reason, resources, usage, alone = match.groups()
        if not line.endswith(name, 0, match.start()):  # columns of something else before it
            position = match.start() + 1
            continue
        position = match.end()
        reason = reason or alone or ""
        reason = "" if reason == _NO_REASON else reason
        row = Row(
            name,
            parse_state(complete or long),
            intern(partition or ""),
            reason,
            _resources(resources) if resources else None,
        )
        yield row, usage or ""


def _named_once(line: str) -> Iterator[tuple[Row, str]]:
    for match in _NAMED_ONCE.finditer(line):
        yield Row(match[1], parse_state(match[2] or match[3])), ""


def _no_nodes(output: bytes) -> str:
    if not output.strip():
        return (
            "sinfo lists no node: Slurm's PrivateData=nodes hides them from this user,"
            " or no partition has nodes"
        )
    return f"not what sinfo prints: {shown(output.decode('utf-8', 'replace'))}"
