"""Jobs as condor_q prints them, those of one schedd."""

from functools import lru_cache

from rackwatt_exporter.schedulers.json_commands import Jobs
from rackwatt_exporter.schedulers.json_records import (
    Record,
    count,
    mebibytes,
    parse_records,
    time_s,
    word,
)
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.job_state import (
    ACTIVE,
    ENDED,
    WAITING,
    JobState,
    normalize_job_state,
)
from rackwatt_exporter.schedulers.model.resources import Resources, distinct_gres

ATTRIBUTES = (
    "ClusterId",
    "ProcId",
    "JobStatus",
    "JobUniverse",
    "Owner",
    "AcctGroup",
    "HoldReasonCode",
    "QDate",
    "JobCurrentStartDate",
    "CompletionDate",
    "RemoteHost",
    "RequestCpus",
    "RequestMemory",
    "RequestGPUs",
    "CpusProvisioned",
    "MemoryProvisioned",
    "GPUsProvisioned",
)
_STATES = {
    1: JobState.PENDING,
    2: JobState.RUNNING,
    3: JobState.CANCELLED,
    4: JobState.COMPLETED,
    5: JobState.HELD,
    6: JobState.COMPLETING,
    7: JobState.SUSPENDED,
}
# A job of this universe has slots on several machines, and its record has one of them.
_PARALLEL = 11


def parse_jobs(output: bytes) -> Jobs:
    """Parse what condor_q printed for ATTRIBUTES.

    Raises:
        ReadError: bad_reply.
    """
    return Jobs(*parse_records(output, "condor_q", _job))


def _job(record: Record) -> Job | None:
    """Make a job; None of a record that is of none."""
    cluster, process = count(record.get("ClusterId")), count(record.get("ProcId"))
    if cluster is None or process is None:
        return None
    state = _state(record.get("JobStatus"))
    node = _machine(record) if state in ACTIVE else ""
    allocated = _resources(record, "Provisioned") if node else None
    return Job(
        f"{cluster}.{process}",
        state,
        user=word(record.get("Owner")),
        account=word(record.get("AcctGroup")),
        reason=_reason(record) if state == JobState.HELD else "",
        submitted_at_s=time_s(record.get("QDate")),
        started_at_s=time_s(record.get("JobCurrentStartDate")) if state in ACTIVE else None,
        ended_at_s=time_s(record.get("CompletionDate")) if state in ENDED else None,
        requested=_resources(record) if state in WAITING else None,
        allocated=allocated,
        nodes=(node,) if node else (),
        per_node=(allocated,) if allocated else (),
    )


def _state(status: object) -> str:
    number = count(status)
    if number is None:
        return JobState.UNKNOWN
    return _STATES.get(number) or normalize_job_state((f"status_{number}",)).state


def _reason(record: Record) -> str:
    """Return the code of a hold: its text has names of files and machines in it."""
    code = count(record.get("HoldReasonCode"))
    return "" if code is None else f"HoldReasonCode {code}"


def _machine(record: Record) -> str:
    """Return the machine of the slot that a job holds; empty of a job without one.

    A job of the schedd itself, as a DAGMan is, holds no slot, nor does one in another grid.
    """
    if record.get("JobUniverse") == _PARALLEL:
        return ""
    return word(record.get("RemoteHost")).rpartition("@")[2]


def _resources(record: Record, kind: str = "") -> Resources:
    """Return what a job requests, or what its slot has where that is reported."""
    cpus, memory, gpus = (
        _first(record, f"{resource}{kind}", f"Request{resource}")
        for resource in ("Cpus", "Memory", "GPUs")
    )
    return _amount(count(cpus), mebibytes(memory), 0 if gpus is None else count(gpus))


@lru_cache(4096)
def _amount(cpus: int | None, memory_bytes: int | None, gpus: int | None) -> Resources:
    gres = None if gpus is None else distinct_gres([("gpu", "", gpus)])
    return Resources(cpus, memory_bytes, gres)


def _first(record: Record, *attributes: str) -> object:
    """Return the first attribute that a record has; None where it has none of them."""
    return next((record[name] for name in attributes if name in record), None)
