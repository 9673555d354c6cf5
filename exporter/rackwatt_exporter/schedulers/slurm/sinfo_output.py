"""What sinfo prints, found by its own shape: a login shell may print before, behind and between.

Each line has a mark behind its first name, which is a part of the format that the exporter gives
sinfo. A greeting has none, though it may have all columns of a node. Lines without the mark count
only where no line has it: a sinfo of a site's own may have another format.

Each line names its node before and behind each text of free choice. What is right before the first
name without a newline, such as a window title or "Loading modules... ", cannot become a part of it:
the second name is the right one. A reason may hold any character, column marks too: it ends at the
last name, and nothing in it is read as another node.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from typing import NamedTuple

from rackwatt_exporter.protocols.command.process import one_line
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.fields import MAX_NAMES
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.node_state import ParsedState, parse_state
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from rackwatt_exporter.schedulers.model.snapshot import share
from rackwatt_exporter.schedulers.slurm.cluster_header import check_cluster
from rackwatt_exporter.schedulers.slurm.jobs import names, time_s
from rackwatt_exporter.schedulers.slurm.tres import parse_gres, parse_memory

# Each column ends in `|`: without that sinfo cuts what is longer than 20 characters. Two spellings
# of the state, since Slurm before 20.11 leaves the complete one empty.
_STATES = ("NodeList", "StateComplete", "StateLong", "NodeList")
_REASON = ("PartitionName", "NodeList", "Reason", "NodeList")
_RESOURCES = ("CPUsState", "Memory", "AllocMem", "Gres", "GresUsed", "Features_act", "Timestamp")
_COLUMNS = (*_STATES, *_REASON, *_RESOURCES, "NodeList")
MARK = "|rackwatt|"  # what sinfo prints behind the first column
_ENDS = (MARK, *"|" * (len(_COLUMNS) - 1))
NODES = ("-N", "-O", ",".join(f"{c}:{end}" for c, end in zip(_COLUMNS, _ENDS, strict=True)))
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
    rf"(?:(.*)\|\3\|((?:[^|]*\|){{{len(_RESOURCES)}}})\3\||(.*)\|\3\||.*))?"
)
_MARKED = re.compile(re.escape(MARK) + _STATES_ON)
_NAMED_TWICE = re.compile(rf"\|{_STATES_ON}")
_NAMED_ONCE = re.compile(rf"{_NAME}\|{_STATE}\|{_STATE}\|(?!{_NAME}\|)")
_COUNT = re.compile(r"([0-9]{1,9})\|([0-9]{1,9})\|")
_CPUS = re.compile(r"([0-9]{1,9})/([0-9]{1,9})/([0-9]{1,9})/([0-9]{1,9})\Z")
_TIME = re.compile(r"[0-9]{1,14}\Z")
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)+(?:-[0-9][A-Za-z0-9.]*)?")
_NO_REASON = "none"
_LONGEST_SHOWN = 80


class Listed(NamedTuple):
    """Each node, and the lines that look like sinfo's and could not be read.

    `incomplete` are the nodes whose rows all lack the columns of resources.
    """

    nodes: dict[str, SchedulerNode]
    unread: tuple[str, ...] = ()
    incomplete: frozenset[str] = frozenset()


class _Row(NamedTuple):
    """A node in one of its partitions."""

    name: str
    state: ParsedState
    partition: str = ""
    reason: str = ""
    resources: str = ""


class _Resources(NamedTuple):
    """Since when a reason is set, the features, and what can be and is allocated."""

    since_s: int | None = None
    features: tuple[str, ...] = ()
    total: Resources | None = None
    allocated: Resources | None = None


def parse_nodes(output: bytes, cluster: str | None, version: bytes = b"") -> Listed:
    """Read what sinfo printed for NODES. A node is listed once for each of its partitions.

    `version` is what was printed for `sinfo --version`, where sinfo itself names no cluster.

    Raises:
        ReadError: bad_reply where no line is one of a node, or where the answer is that of another
            cluster than `cluster`; None is the one that answers without a name.
    """
    text = _text(output)
    check_cluster("sinfo", text, cluster, _text(version))
    lines = [line for line in text.split("\n") if "|" in line]
    # The later ones are of a sinfo of a site's own, whose columns are not all ours.
    for rows_of in (partial(_rows, _MARKED), partial(_rows, _NAMED_TWICE), _named_once):
        listed = _listed(lines, rows_of)
        if listed.nodes:
            return listed
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


def _listed(lines: Iterable[str], rows_of: Callable[[str], Iterator[_Row]]) -> Listed:
    """Make one node of its rows, one for each partition."""
    last: dict[str, _Row] = {}
    complete: set[str] = set()
    partitions: dict[str, tuple[str, ...]] = {}
    unread: dict[str, None] = {}
    for line in lines:
        row = None
        for row in rows_of(line):
            last[row.name] = row
            if row.resources:
                complete.add(row.name)
            known = partitions.setdefault(row.name, ())
            if row.partition and row.partition not in known and len(known) < MAX_NAMES:
                partitions[row.name] = (*known, row.partition)
        if row is None:
            unread[shown(line)] = None
    nodes = ((name, _node(row, partitions[name])) for name, row in last.items())
    return Listed(share(nodes), tuple(unread), frozenset(last.keys() - complete))


def _node(row: _Row, partitions: Sequence[str]) -> SchedulerNode:
    since_s, features, total, allocated = _resources(row.resources)
    return SchedulerNode(
        *row.state,
        partitions=tuple(sorted(partitions)),
        reason=row.reason,
        reason_at_s=since_s if row.reason else None,
        features=features,
        total=total,
        allocated=allocated,
    )


@lru_cache(4096)
def _resources(text: str) -> _Resources:
    """Read the columns of resources; what is not as it should be was not reported."""
    if not text:
        return _Resources()
    cpus, memory, allocated_memory, gres, gres_used, features, since = text.split("|")[:-1]
    states = _CPUS.match(cpus)
    return _Resources(
        time_s(int(since)) if _TIME.match(since) else None,
        names(features.split(",")),
        Resources(int(states[4]) if states else None, parse_memory(memory), _gres(gres)),
        Resources(
            int(states[1]) if states else None, parse_memory(allocated_memory), _gres(gres_used)
        ),
    )


def _gres(text: str) -> tuple[Gres, ...] | None:
    return parse_gres(text) if text else None


def _rows(shape: re.Pattern[str], line: str) -> Iterator[_Row]:
    position = 0
    while match := shape.search(line, position):
        complete, long, name, partition, reason, resources, alone = match.groups()
        if not line.endswith(name, 0, match.start()):  # columns of something else before it
            position = match.start() + 1
            continue
        position = match.end()
        reason = reason or alone or ""
        reason = "" if reason == _NO_REASON else reason
        yield _Row(name, parse_state(complete or long), partition or "", reason, resources or "")


def _named_once(line: str) -> Iterator[_Row]:
    for match in _NAMED_ONCE.finditer(line):
        yield _Row(match[1], parse_state(match[2] or match[3]))


def _no_nodes(output: bytes) -> str:
    if not output.strip():
        return (
            "sinfo lists no node: Slurm's PrivateData=nodes hides them from this user,"
            " or no partition has nodes"
        )
    return f"not what sinfo prints: {shown(output.decode('utf-8', 'replace'))}"
