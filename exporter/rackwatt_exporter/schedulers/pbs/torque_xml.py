"""Torque's XML (`pbsnodes -x`, `qstat -x`), with the names that PBS has for the same."""

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from rackwatt_exporter.schedulers.pbs.listing import Listing
from rackwatt_exporter.schedulers.pbs.values import count
from rackwatt_exporter.schedulers.xml_records import records, texts

_STATUS = re.compile(r"(?:\A|,)([a-z]+)=([^,]*)")
_RANGE = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?\Z")
_MAX_SLOTS = 100_000


def parse_nodes(output: bytes) -> Listing:
    """Parse what `pbsnodes -x` printed.

    Raises:
        ReadError: bad_reply where it is no XML of Torque.
    """
    return _listing(output, "Node", "name")


def parse_jobs(output: bytes) -> Listing:
    """Parse what `qstat -x` printed: nothing where there is no job.

    Raises:
        ReadError: bad_reply where it is no XML of Torque.
    """
    return _listing(output, "Job", "Job_Id") if output.strip() else Listing({})


def _listing(output: bytes, tag: str, key: str) -> Listing:
    found: dict[str, dict[str, Any]] = {}
    unread = 0
    for record in records(output, "Data", tag):
        fields = texts(record.element) if record.element is not None else {}
        if record.element is None or not fields.get(key):
            unread += 1
            continue
        attributes = _node(fields) if tag == "Node" else _job(record.element, fields)
        found.setdefault(fields[key], attributes)
    return Listing(found, unread)


def _node(fields: dict[str, str]) -> dict[str, Any]:
    status = dict(_STATUS.findall(fields.get("status", "")))
    slots = list(_slots(fields.get("jobs", "")))
    return {
        "state": fields.get("state", ""),
        "jobs": list(dict.fromkeys(job for _, job in slots)),
        "comment": fields.get("note", ""),
        "resources_available": {
            "ncpus": fields.get("np"),
            "mem": status.get("physmem"),
            "ngpus": fields.get("gpus"),
        },
        # Torque does not report what is assigned of the others: not known, not none.
        "resources_assigned": {
            "ncpus": sum(number for number, _ in slots),
            "mem": None,
            "ngpus": None,
        },
    }


def _slots(jobs: str) -> Iterator[tuple[int, str]]:
    """Go through the jobs of a node with their slots, such as `0-1/7.srv,2/8.srv,3,4/9.srv`.

    Slots without a job belong to the next one.
    """
    pending = 0
    for part in filter(None, map(str.strip, jobs.split(","))):
        slots, slash, job = part.partition("/")
        match = _RANGE.match(slots)
        pending += 1 if match is None else int(match[2] or match[1]) - int(match[1]) + 1
        if slash and job:
            yield max(0, min(pending, _MAX_SLOTS)), job
            pending = 0


def _job(element: Element, fields: dict[str, str]) -> dict[str, Any]:
    listed = element.find("Resource_List")
    resources: dict[str, Any] = dict(texts(listed)) if listed is not None else {}
    resources.setdefault("ncpus", _cpus(resources.get("nodes", "")))
    return {
        **fields,
        "Resource_List": resources,
        "Account_Name": fields.get("Account_Name") or fields.get("account", ""),
        "ctime": fields.get("qtime") or fields.get("ctime"),
        "stime": fields.get("start_time"),
    }


def _cpus(nodes: str) -> int | None:
    """Return the processors of a request such as `1:ppn=2+2:ppn=3`; names of hosts are one each."""
    total = 0
    for part in nodes.split("+") if nodes else ():
        first, *properties = part.split(":")
        per_node = [one.partition("=")[2] for one in properties if one.startswith("ppn=")]
        ppn = count(per_node[0]) if per_node else 1
        if ppn is None:
            return None
        total += (count(first) or 1) * ppn
    return total or None
