"""Jobs as slurmrestd answers them, in the spellings of every version from v0.0.37 on.

A job is read for itself: one that is not as it should be hides no other. The list of the tasks of
an array that wait is cut after 64 characters where slurmrestd runs without SLURM_BITSTR_LEN=0: the
note says so, since tasks are then missing.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.slurm.arrays import JobId, count_tasks
from rackwatt_exporter.schedulers.slurm.jobs import SlurmJob, SlurmJobs, make_job, time_s
from rackwatt_exporter.schedulers.slurm.rest_json import json_count, text
from rackwatt_exporter.schedulers.slurm.rest_parts import JobResources, read_parts

_NOTE_OF_CUT = (
    "slurmrestd cuts the lists of tasks of arrays, so that some are not counted: set"
    " SLURM_BITSTR_LEN=0 in its environment"
)


class RestJob(msgspec.Struct):
    """What is read of a job; its fields were plain, and are wrapped or lists now."""

    job_id: Any = None
    array_job_id: Any = None
    array_task_id: Any = None
    array_task_string: Any = None
    het_job_id: Any = None
    het_job_offset: Any = None
    job_state: Any = None
    tres_alloc_str: Any = None
    tres_req_str: Any = None
    user_name: Any = None
    account: Any = None
    qos: Any = None
    partition: Any = None
    state_reason: Any = None
    state_description: Any = None
    features: Any = None
    nodes: Any = None
    tres_per_job: Any = None
    tres_per_node: Any = None
    tres_per_socket: Any = None
    tres_per_task: Any = None
    submit_time: Any = None
    start_time: Any = None
    end_time: Any = None
    gres_detail: Any = None
    job_resources: JobResources | list[Any] | str | int | float | bool | None = None


JobRecord = RestJob | str | int | float | None
"""A record as it should be, or anything that JSON can have in its place."""


def read_jobs(records: Iterable[object]) -> SlurmJobs:
    """Return every job; `records` are those of an answer."""
    jobs: list[Job] = []
    unread = 0
    whole = True
    for record in records:
        job_id = _id(record) if isinstance(record, RestJob) else None
        slurm = _slurm_job(record) if isinstance(record, RestJob) else None
        if job_id is None or slurm is None:
            unread += 1
            continue
        whole = whole and job_id.whole
        jobs.append(make_job(job_id, slurm))
    return SlurmJobs(tuple(jobs), unread, "" if whole else _NOTE_OF_CUT)


def _id(record: RestJob) -> JobId | None:
    """Return the id as squeue prints it; None where there is none."""
    job_id = json_count(record.job_id)
    return _spelled(record, job_id).numbered(str(job_id)) if job_id else None


def _spelled(record: RestJob, job_id: int) -> JobId:
    array, task = json_count(record.array_job_id), json_count(record.array_task_id)
    waiting = text(record.array_task_string)
    het = json_count(record.het_job_id)
    if array and waiting:
        return JobId(str(array), str(array), "", *count_tasks(waiting))
    if array and task is not None:
        return JobId(f"{array}_{task}", array=str(array))
    if het:
        return JobId(f"{het}+{json_count(record.het_job_offset) or 0}", het=str(het))
    return JobId(str(job_id))


def _slurm_job(record: RestJob) -> SlurmJob | None:
    """Return a job in Slurm's words; None where it has no state."""
    words = [record.job_state] if isinstance(record.job_state, str) else record.job_state
    if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
        return None
    return SlurmJob(
        words=tuple(words),
        tres=text(record.tres_alloc_str) or text(record.tres_req_str),
        user=text(record.user_name),
        account=text(record.account),
        qos=text(record.qos),
        partitions=text(record.partition),
        reason=text(record.state_description) or text(record.state_reason),
        features=text(record.features),
        nodes=text(record.nodes),
        gres=(
            text(record.tres_per_job),
            text(record.tres_per_node),
            text(record.tres_per_socket),
            text(record.tres_per_task),
        ),
        submitted_at_s=_time_s(record.submit_time),
        started_at_s=_time_s(record.start_time),
        ended_at_s=_time_s(record.end_time),
        parts=_parts(record),
    )


def _parts(record: RestJob) -> Mapping[str, Resources]:
    """Return what a job on several nodes holds of each; of one node that is its total."""
    nodes = text(record.nodes)
    several = "[" in nodes or "," in nodes
    return read_parts(record.job_resources, record.gres_detail) if several else {}


def _time_s(value: Any) -> int | None:
    seconds = json_count(value)
    return None if seconds is None else time_s(seconds)
