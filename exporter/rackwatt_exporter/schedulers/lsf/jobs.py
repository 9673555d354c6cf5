"""Jobs as bjobs prints them.

Their CPUs are job slots. They have no times, since LSF prints times without the year.
"""

import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

from rackwatt_exporter.schedulers.json_commands import Jobs
from rackwatt_exporter.schedulers.json_records import Record, count, parse_records, word
from rackwatt_exporter.schedulers.model.fields import MAX_NAME
from rackwatt_exporter.schedulers.model.job import MAX_NODES, Job
from rackwatt_exporter.schedulers.model.job_state import (
    ACTIVE,
    WAITING,
    JobState,
    normalize_job_state,
)
from rackwatt_exporter.schedulers.model.resources import Resources

COLUMNS = ("jobid", "jobindex", "stat", "user", "queue", "proj_name", "exec_host", "slots")
_STATES = {
    "PEND": JobState.PENDING,
    "WAIT": JobState.PENDING,
    "PSUSP": JobState.HELD,
    "PROV": JobState.CONFIGURING,
    "RUN": JobState.RUNNING,
    "USUSP": JobState.SUSPENDED,
    "SSUSP": JobState.SUSPENDED,
    "DONE": JobState.COMPLETED,
    "EXIT": JobState.FAILED,
    "UNKWN": JobState.UNKNOWN,
}
# One host of a list: `a` for a slot, or `4*a` for four of them.
_HOST = re.compile(rf"(?:([1-9][0-9]{{0,8}})\*)?([A-Za-z0-9._-]{{1,{MAX_NAME}}})")


def parse_jobs(output: bytes) -> Jobs:
    """Parse what bjobs printed for COLUMNS.

    Raises:
        ReadError: bad_reply.
    """
    return Jobs(*parse_records(output, "bjobs", _job, "RECORDS"))


def _job(record: Record) -> Job | None:
    """Make a job; None of a record that is of none."""
    number, index = count(record.get("JOBID")), count(record.get("JOBINDEX"))
    if number is None:
        return None
    status, queue = word(record.get("STAT")), word(record.get("QUEUE"))
    state = str(_STATES.get(status) or normalize_job_state((status,)).state)
    slots = count(record.get("SLOTS"))
    hosts = parse_hosts(str(record.get("EXEC_HOST"))) if state in ACTIVE else {}
    held = sum(hosts.values()) if hosts else slots
    return Job(
        f"{number}[{index}]" if index else str(number),
        state,
        array=str(number) if index else "",
        user=word(record.get("USER")),
        account=word(record.get("PROJ_NAME")),
        partitions=(queue,) if queue else (),
        requested=Resources(slots) if slots is not None and state in WAITING else None,
        allocated=Resources(held) if held is not None and state in ACTIVE else None,
        nodes=tuple(hosts),
        per_node=tuple(map(Resources, hosts.values())),
    )


@lru_cache(4096)
def parse_hosts(text: str) -> Mapping[str, int]:
    """Parse a list of hosts such as `a:a:2*b` into slots of each; empty where it is no such list.

    A name that LSF cut to the width of its column begins with `*`; `-` is no host.
    """
    hosts: Counter[str] = Counter()
    for part in text.split(":"):
        match = _HOST.fullmatch(part)
        if match is None or match[2] == "-":
            return Counter()
        hosts[match[2]] += int(match[1] or 1)
    return hosts if len(hosts) <= MAX_NODES else Counter()
