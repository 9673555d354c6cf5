"""What sinfo prints, found by its own shape: a login shell may print before, behind and between.

Each line names its node twice. What is right before the first name without a newline, such as a
window title or "Loading modules... ", cannot become a part of it: the second name is the right one.
"""

import re
from collections import Counter
from typing import NamedTuple

from rackwatt_exporter.protocols.command.process import one_line
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.node_state import state_of_text

# Each column ends in `|`: without that sinfo cuts what is longer than 20 characters. Two spellings
# of the state, since Slurm before 20.11 leaves the complete one empty.
NODES = ("-N", "-O", "NodeList:|,StateComplete:|,StateLong:|,NodeList:|")
COUNT = ("-o", "%D|%D|")

# Sequences that control a terminal (ECMA-48): those with a text up to its end, those with
# parameters, and the short ones.
_CONTROL = re.compile(
    r"\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[ -/]*[0-OQ-WYZ\\`-~]"
)
_STATE, _NAME = r"([A-Za-z0-9_+*~#!%$@^-]{0,200})", r"([A-Za-z0-9._-]{1,255})"
# All that follows a node's name; where what is before it has columns too, they overlap.
_NAMED_TWICE = re.compile(rf"(?=\|{_STATE}\|{_STATE}\|{_NAME}\|)")
_NAMED_ONCE = re.compile(rf"{_NAME}\|{_STATE}\|{_STATE}\|(?!{_NAME}\|)")
_CLUSTER = re.compile(r"^(.*)CLUSTER: (\S+)[ \t\r]*$", re.MULTILINE)
_COUNT = re.compile(r"([0-9]{1,9})\|([0-9]{1,9})\|")
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)+(?:-[0-9][A-Za-z0-9.]*)?")
_LONGEST_SHOWN = 80


class Listed(NamedTuple):
    """The state of each node, and the lines that look like sinfo's and could not be read."""

    states: dict[str, str]
    unread: tuple[str, ...]


def parse_nodes(output: bytes, cluster: str | None, version: bytes = b"") -> Listed:
    """Read what sinfo printed for NODES. A node is listed once for each of its partitions.

    `version` is what was printed for `sinfo --version`, where sinfo itself names no cluster.

    Raises:
        ReadError: bad_reply where no line is one of a node, or where the answer is that of another
            cluster than `cluster`; None is the one that answers without a name.
    """
    text = _text(output)
    _check_cluster(_clusters(text, _text(version)), cluster)
    lines = text.splitlines()
    whole = {line: _named_twice(line) for line in lines if "|" in line}
    if not any(whole.values()):  # a sinfo of a site's own, whose columns are not ours
        whole = {line: _named_once(line) for line in whole}
    states = {name: state for found in whole.values() for name, state in found}
    if not states:
        raise ReadError(Reason.BAD_REPLY, _no_nodes(output))
    unread = tuple(shown(line) for line, found in whole.items() if not found)
    return Listed(states, unread)


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


def _named_twice(line: str) -> list[tuple[str, str]]:
    return [
        (found[3], state_of_text(found[1] or found[2]))
        for found in _NAMED_TWICE.finditer(line)
        if line.endswith(found[3], 0, found.start())
    ]


def _named_once(line: str) -> list[tuple[str, str]]:
    return [(found[1], state_of_text(found[2] or found[3])) for found in _NAMED_ONCE.finditer(line)]


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
