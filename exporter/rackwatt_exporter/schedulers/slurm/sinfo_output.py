"""What sinfo prints, found by its own shape: a login shell may print before, behind and between.

Each line names its node before and behind each text of free choice. What is right before the first
name without a newline, such as a window title or "Loading modules... ", cannot become a part of it:
the second name is the right one. A reason may hold any character, column marks too: it ends at the
last name, and nothing in it is read as another node.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from rackwatt_exporter.protocols.command.process import one_line
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.fields import MAX_NAMES
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.node_state import ParsedState, parse_state
from rackwatt_exporter.schedulers.model.snapshot import share

# Each column ends in `|`: without that sinfo cuts what is longer than 20 characters. Two spellings
# of the state, since Slurm before 20.11 leaves the complete one empty.
NODES = (
    "-N",
    "-O",
    "NodeList:|,StateComplete:|,StateLong:|,NodeList:|,PartitionName:|,NodeList:|,Reason:|,NodeList:|",
)
COUNT = ("-o", "%D|%D|")

# Sequences that control a terminal (ECMA-48): those with a text up to its end, those with
# parameters, and the short ones.
_CONTROL = re.compile(
    r"\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-OQ-WYZ\\`-~]"
)
_STATE, _NAME = r"([A-Za-z0-9_+*~#!%$@^-]{0,200})", r"([A-Za-z0-9._-]{1,255})"
# All that follows a node's name. What follows the second one may be cut off.
_NAMED_TWICE = re.compile(
    rf"\|{_STATE}\|{_STATE}\|{_NAME}\|(?:([^|\s]{{0,255}})\|\3\|(?:(.*)\|\3\||.*))?"
)
_NAMED_ONCE = re.compile(rf"{_NAME}\|{_STATE}\|{_STATE}\|(?!{_NAME}\|)")
_CLUSTER = re.compile(r"^(.*)CLUSTER: ([^\s|]+)[ \t\r]*$", re.MULTILINE)
_COUNT = re.compile(r"([0-9]{1,9})\|([0-9]{1,9})\|")
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)+(?:-[0-9][A-Za-z0-9.]*)?")
_NO_REASON = "none"
_LONGEST_SHOWN = 80


class Listed(NamedTuple):
    """Each node, and the lines that look like sinfo's and could not be read."""

    nodes: dict[str, SchedulerNode]
    unread: tuple[str, ...]


class _Row(NamedTuple):
    """A node in one of its partitions."""

    name: str
    state: ParsedState
    partition: str = ""
    reason: str = ""


def parse_nodes(output: bytes, cluster: str | None, version: bytes = b"") -> Listed:
    """Read what sinfo printed for NODES. A node is listed once for each of its partitions.

    `version` is what was printed for `sinfo --version`, where sinfo itself names no cluster.

    Raises:
        ReadError: bad_reply where no line is one of a node, or where the answer is that of another
            cluster than `cluster`; None is the one that answers without a name.
    """
    text = _text(output)
    _check_cluster(_clusters(text, _text(version)), cluster)
    lines = [line for line in text.split("\n") if "|" in line]
    listed = _listed(lines, _named_twice)
    if not listed.nodes:  # a sinfo of a site's own, whose columns are not ours
        listed = _listed(lines, _named_once)
    if not listed.nodes:
        raise ReadError(Reason.BAD_REPLY, _no_nodes(output))
    return listed


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
    partitions: dict[str, tuple[str, ...]] = {}
    unread: dict[str, None] = {}
    for line in lines:
        row = None
        for row in rows_of(line):
            last[row.name] = row
            known = partitions.setdefault(row.name, ())
            if row.partition and row.partition not in known and len(known) < MAX_NAMES:
                partitions[row.name] = (*known, row.partition)
        if row is None:
            unread[shown(line)] = None
    nodes = (
        (name, SchedulerNode(*row.state, tuple(sorted(partitions[name])), row.reason))
        for name, row in last.items()
    )
    return Listed(share(nodes), tuple(unread))


def _named_twice(line: str) -> Iterator[_Row]:
    position = 0
    while match := _NAMED_TWICE.search(line, position):
        complete, long, name, partition, reason = match.groups()
        if not line.endswith(name, 0, match.start()):  # columns of something else before it
            position = match.start() + 1
            continue
        position = match.end()
        reason = "" if reason in (None, _NO_REASON) else reason
        yield _Row(name, parse_state(complete or long), partition or "", reason)


def _named_once(line: str) -> Iterator[_Row]:
    for match in _NAMED_ONCE.finditer(line):
        yield _Row(match[1], parse_state(match[2] or match[3]))


def _clusters(text: str, version: str) -> set[str]:
    """List the clusters that sinfo names.

    One may be behind a greeting without a newline. So what has words before it counts too, unless
    the same line is there without sinfo: then all of it is a greeting.
    """
    found = Counter(_CLUSTER.findall(text))
    new = found - Counter(_CLUSTER.findall(version))
    return {name for before, name in found if not before.strip() or (before, name) in new}


def _check_cluster(answering: set[str], cluster: str | None) -> None:
    if not answering - {cluster}:
        return
    names = " and ".join(map(shown, sorted(answering)))
    if cluster is None:
        remedy = "no field says that this one is meant: name it in slurm.cluster"
    else:
        remedy = f"slurm.cluster is {cluster}"
    raise ReadError(Reason.BAD_REPLY, f"sinfo answers for another cluster, {names}: {remedy}")


def _no_nodes(output: bytes) -> str:
    if not output.strip():
        return (
            "sinfo lists no node: Slurm's PrivateData=nodes hides them from this user,"
            " or no partition has nodes"
        )
    return f"not what sinfo prints: {shown(output.decode('utf-8', 'replace'))}"
