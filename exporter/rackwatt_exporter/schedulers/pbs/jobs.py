"""Jobs of PBS. The tasks of an array that wait are one job, and those that have ended are none."""

import re
from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from rackwatt_exporter.schedulers.model.fields import name
from rackwatt_exporter.schedulers.model.job import MAX_TASKS, Job
from rackwatt_exporter.schedulers.model.job_state import ACTIVE, WAITING
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.pbs import states
from rackwatt_exporter.schedulers.pbs.listing import Attributes, Listing
from rackwatt_exporter.schedulers.pbs.placement import placement
from rackwatt_exporter.schedulers.pbs.resources import summed
from rackwatt_exporter.schedulers.pbs.values import section, text, time_s

_TASK = re.compile(r"([0-9]+\[)[0-9]*(\].*)\Z", re.DOTALL)
_QUEUED = re.compile(r"\bQueued:([0-9]{1,9})\b")
_ENDED = frozenset("XFM")  # their history, which an array has of each task
_NO_PROJECT = "_pbs_project_default"


def jobs(listing: Listing, hosts: Mapping[str, str]) -> tuple[tuple[Job, ...], int]:
    """Return each job, and how many could not be read; `hosts` are those of vnodes."""
    read = [_job(job_id, attributes, hosts) for job_id, attributes in _listed(listing)]
    found = [job for job in read if job is not None]
    return tuple(_folded(found)), listing.unread + len(read) - len(found)


def _listed(listing: Listing) -> Iterator[tuple[str, Attributes]]:
    """Go through the jobs that have not ended; an array is none where its tasks are listed."""
    arrays = {array for job in listing.records if (array := _array(job)) and array != job}
    for job, attributes in listing.records.items():
        started = _array(job) == job and (job in arrays or _queued(attributes) == 0)
        if not started and _letter(attributes) not in _ENDED:
            yield job, attributes


def _job(job_id: str, attributes: Attributes, hosts: Mapping[str, str]) -> Job | None:
    letter = _letter(attributes)
    if not name(job_id) or not letter:
        return None
    state, flags = states.job_state(letter)
    waits = state in WAITING
    places = placement(attributes, hosts) if state in ACTIVE else {}
    per_node = tuple(map(summed, places.values()))
    every = [part for parts in places.values() for part in parts]
    requested = summed([section(attributes, "Resource_List")]) if waits else None
    queue = name(text(attributes.get("queue")))
    return Job(
        name(job_id),
        state,
        flags,
        tasks=max(1, _queued(attributes) or 1),
        array=name(_array(job_id)),
        user=name(text(attributes.get("euser")) or _owner(attributes)),
        account=name(text(attributes.get("Account_Name")) or _project(attributes)),
        partitions=(queue,) if queue else (),
        reason=text(attributes.get("comment")) if waits else "",
        submitted_at_s=time_s(attributes.get("ctime")),
        started_at_s=None if waits else time_s(attributes.get("stime")),
        requested=requested if requested != Resources() else None,
        allocated=per_node[0] if len(per_node) == 1 else summed(every) if every else None,
        nodes=tuple(places),
        per_node=per_node,
    )


def _folded(found: list[Job]) -> Iterator[Job]:
    """Go through the jobs, with the tasks of an array that wait in one state as one."""
    waiting: dict[tuple[str, str, tuple[str, ...]], list[Job]] = {}
    for job in found:
        if job.array and job.state in WAITING:
            waiting.setdefault((job.array, job.state, job.flags), []).append(job)
        else:
            yield job
    for (array, _, _), tasks in waiting.items():
        total = min(sum(task.tasks for task in tasks), MAX_TASKS)
        yield replace(tasks[0], id=array if len(tasks) > 1 else tasks[0].id, tasks=total)


def _letter(attributes: Attributes) -> str:
    return text(attributes.get("job_state")).strip()


def _array(job_id: str) -> str:
    """Return the array of a task such as `1[0].pbsm`: `1[].pbsm`; empty for another job."""
    match = _TASK.match(job_id)
    return match[1] + match[2] if match else ""


def _queued(attributes: Attributes) -> int | None:
    """Return how many tasks of an array wait, where it says so."""
    match = _QUEUED.search(text(attributes.get("array_state_count")))
    return int(match[1]) if match else None


def _owner(attributes: Attributes) -> str:
    return text(attributes.get("Job_Owner")).partition("@")[0]


def _project(attributes: Attributes) -> str:
    project = text(attributes.get("project"))
    return "" if project == _NO_PROJECT else project
