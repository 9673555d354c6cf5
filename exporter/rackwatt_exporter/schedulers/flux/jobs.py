"""Jobs as `flux jobs --json` prints them."""

from functools import lru_cache

from rackwatt_crds.hostlist import expand
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.json_commands import Jobs
from rackwatt_exporter.schedulers.json_records import Record, count, parse_records, time_s, word
from rackwatt_exporter.schedulers.model.fields import name
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.job_state import (
    ACTIVE,
    ENDED,
    WAITING,
    JobState,
    normalize_job_state,
)
from rackwatt_exporter.schedulers.model.resources import Resources

_STATES = {
    "DEPEND": JobState.PENDING,
    "PRIORITY": JobState.PENDING,
    "SCHED": JobState.PENDING,
    "RUN": JobState.RUNNING,
    "CLEANUP": JobState.COMPLETING,
}
_INACTIVE = "INACTIVE"
_URGENCY_HELD = 0


def parse_jobs(output: bytes) -> Jobs:
    """Parse what `flux jobs` printed: an object with a list, which may be empty.

    Raises:
        ReadError: bad_reply.
    """
    if not output.strip():
        raise ReadError(Reason.BAD_REPLY, "flux jobs printed nothing, not even an empty list")
    return Jobs(*parse_records(output, "flux jobs", _job, "jobs"))


def _job(record: Record) -> Job | None:
    """Make a job; None of a record that is of none."""
    number = record.get("id")
    job_id = word(number) or ("" if count(number) is None else str(number))
    if not job_id:
        return None
    state, queue = _state(record), word(record.get("queue"))
    cores = count(record.get("ncores"))
    resources = None if cores is None else Resources(cores)
    nodes = _nodes(str(record.get("nodelist", ""))) if state in ACTIVE else ()
    allocated = resources if state in ACTIVE else None
    return Job(
        job_id,
        state,
        user=word(record.get("username")),
        account=word(record.get("bank")),
        partitions=(queue,) if queue else (),
        submitted_at_s=time_s(record.get("t_submit")),
        started_at_s=time_s(record.get("t_run")) if state not in WAITING else None,
        ended_at_s=time_s(record.get("t_inactive")) if state in ENDED else None,
        requested=resources if state in WAITING else None,
        allocated=allocated,
        nodes=nodes,
        per_node=(allocated,) if allocated is not None and len(nodes) == 1 else (),
    )


def _state(record: Record) -> str:
    """Return the state of a job: that of one that has ended is how it ended."""
    reported = word(record.get("state"))
    state = _STATES.get(reported)
    if state == JobState.PENDING and record.get("urgency") == _URGENCY_HELD:
        return JobState.HELD
    words = (word(record.get("result")) or reported,) if reported == _INACTIVE else (reported,)
    return str(state or normalize_job_state(words).state)


@lru_cache(4096)
def _nodes(text: str) -> tuple[str, ...]:
    """List the nodes of a host list; none where it is no such list."""
    try:
        return tuple(map(name, expand(text))) if text else ()
    except ValueError:
        return ()
