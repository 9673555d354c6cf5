"""PBS's text: `attribute = value` lines below the name of a vnode, or below `Job Id:`.

A long value goes on in lines that start with a tab. Of an attribute that is there twice, the first
counts: what a user can write into a value comes later than what the server says of the job.
"""

import re
from collections.abc import Iterator
from typing import Any

from rackwatt_exporter.printable import printable
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.pbs.listing import Listing
from rackwatt_exporter.schedulers.pbs.values import text

_CONTINUED = re.compile(r"\r?\n\t")
_ATTRIBUTE = re.compile(r" {4,5}([A-Za-z_][A-Za-z0-9_.]*) = (.*)\Z")
_JOB = re.compile(r"Job Id: (\S+)\s*\Z")
_NODE = re.compile(r"(\S+)\s*\Z")
_NO_VERSION = "unavailable"  # of a node that is down
_SLOT = re.compile(r"/[0-9*+,-]*\Z")


def parse_nodes(output: bytes) -> Listing:
    """Parse what `pbsnodes -av` printed.

    Raises:
        ReadError: bad_reply where there is no vnode.
    """
    records = _records(output, _NODE)
    for attributes in records.values():
        jobs = text(attributes.get("jobs")).split(",")
        attributes["jobs"] = [_SLOT.sub("", job.strip()) for job in jobs if job.strip()]
    if not records:
        raise ReadError(Reason.BAD_REPLY, _not_text(output))
    versions = {text(attributes.get("pbs_version")) for attributes in records.values()}
    return Listing(records, version=max(versions - {_NO_VERSION}, default=""))


def parse_jobs(output: bytes) -> Listing:
    """Parse what `qstat -f` printed: nothing where there is no job.

    Raises:
        ReadError: bad_reply where there is something else.
    """
    records = _records(output, _JOB)
    if output.strip() and not records:
        raise ReadError(Reason.BAD_REPLY, _not_text(output))
    servers = (text(attributes.get("server")) for attributes in records.values())
    return Listing(records, server=next(filter(None, servers), ""))


def _records(output: bytes, head: re.Pattern[str]) -> dict[str, dict[str, Any]]:
    """Return the attributes of each record; one without any is a line of a login shell."""
    records: dict[str, dict[str, Any]] = {}
    attributes: dict[str, Any] = {}
    for line in _lines(output):
        if match := _ATTRIBUTE.match(line):
            _add(attributes, match[1], match[2])
        elif match := head.match(line):
            attributes = records.setdefault(match[1], {})
        elif line.strip():
            attributes = {}
    return {name: found for name, found in records.items() if found}


def _lines(output: bytes) -> Iterator[str]:
    whole = _CONTINUED.sub("", output.decode("utf-8", "replace"))
    return (line.rstrip("\r") for line in whole.split("\n"))


def _add(attributes: dict[str, Any], name: str, value: str) -> None:
    group, dot, member = name.partition(".")
    if not dot:
        attributes.setdefault(name, value)
    elif isinstance(found := attributes.setdefault(group, {}), dict):
        found.setdefault(member, value)


def _not_text(output: bytes) -> str:
    return f"expected the text of PBS, found: {printable(output, 80) or 'nothing'}"
