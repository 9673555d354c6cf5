"""Jobs of Grid Engine: a job, or a task of an array, once, in however many queues it has slots."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from rackwatt_exporter.schedulers.gridengine.letters import job_flags, running_state, waiting_state
from rackwatt_exporter.schedulers.gridengine.queues import JobLine, Queues
from rackwatt_exporter.schedulers.model.fields import MAX_NAMES, name
from rackwatt_exporter.schedulers.model.job import MAX_NODES, MAX_TASKS, Job
from rackwatt_exporter.schedulers.model.resources import Resources

_RANGE = re.compile(r"([0-9]{1,10})(?:-([0-9]{1,10}):([0-9]{1,10}))?\Z")
_PATTERN = frozenset("*?[]!&|()")


def jobs(queues: Queues) -> tuple[tuple[Job, ...], int]:
    """Return each job, and how many could not be read."""
    unread = 0
    running: dict[tuple[str, str], list[JobLine]] = defaultdict(list)
    for line in (line for instance in queues.instances for line in instance.jobs):
        if line is None:
            unread += 1
        else:
            running[line.number, line.tasks].append(line)
    waiting = [line and _waiting(line) for line in queues.waiting]
    found = (*map(_running, running.values()), *(job for job in waiting if job is not None))
    return found, unread + waiting.count(None)


def _running(lines: Sequence[JobLine]) -> Job:
    """Return a job that has slots in one queue instance or more."""
    line, slots = lines[0], _slots(lines)
    state = running_state(line.letters)
    counts = [count for count in slots.values() if count is not None]
    whole = len(counts) == len(slots)
    return Job(
        _id(line),
        state,
        job_flags(line.letters, state),
        array=line.number if line.tasks else "",
        user=line.user,
        account=line.project,
        partitions=tuple(dict.fromkeys(line.queue for line in lines))[:MAX_NAMES],
        started_at_s=line.started_at_s,
        allocated=Resources(cpus=sum(counts)) if whole else None,
        nodes=tuple(slots),
        per_node=tuple(Resources(cpus=count) for count in counts) if whole else (),
    )


def _waiting(line: JobLine) -> Job | None:
    """Return a job, or the tasks of an array, that waits; None where the tasks are not known."""
    state = waiting_state(line.letters)
    if (tasks := _count(line.tasks)) is None:
        return None
    return Job(
        _id(line),
        state,
        job_flags(line.letters, state),
        tasks=tasks,
        array=line.number if line.tasks else "",
        user=line.user,
        account=line.project,
        partitions=tuple(dict.fromkeys(_queues(line.requested_queues)))[:MAX_NAMES],
        submitted_at_s=line.submitted_at_s,
        requested=None if line.slots is None else Resources(cpus=line.slots),
    )


def _id(line: JobLine) -> str:
    """Return what qsub calls a job: `7`, a task `7.1`, several tasks `7.1-9:2`."""
    return name(f"{line.number}.{line.tasks}" if line.tasks else line.number)


def _slots(lines: Iterable[JobLine]) -> dict[str, int | None]:
    """Return how many slots a job has on each host, None where that is not known."""
    slots: dict[str, int | None] = {}
    for line in lines:
        known = slots.get(line.host, 0)
        slots[line.host] = None if line.slots is None or known is None else known + line.slots
    return dict(list(slots.items())[:MAX_NODES])


def _count(tasks: str) -> int | None:
    """Return how many tasks a list such as `1-9:2,12` has; one where a job is no array."""
    count = 0 if tasks else 1
    for part in tasks.split(",") if tasks else ():
        match = _RANGE.match(part)
        if match is None:
            return None
        first, last, step = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
        if last < first or not step:
            return None
        count += (last - first) // step + 1
    return min(count, MAX_TASKS)


def _queues(requested: Iterable[str]) -> Iterator[str]:
    """Go through the queues of requests such as `all.q@@group`; a pattern names none."""
    for request in requested:
        queue = name(request.partition("@")[0].strip())
        if queue and _PATTERN.isdisjoint(queue):
            yield queue
