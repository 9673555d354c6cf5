"""The join of Lustre's job ids with jobs and processes: sums by owner, and what has no owner.

Each job id is looked up once, so that the cost is linear in jobs and samples. Whatever is measured
goes into exactly one sum: those of jobs, of processes and of what is unmatched add up to the whole.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from rackwatt_crds.jobid import Jobid, JobidTemplates
from rackwatt_exporter.lustre.job_index import JobOwner

Samples = Sequence[tuple[Mapping[str, str], float]]
Key = tuple[str, ...]
_NONE: Mapping[str, Jobid | None] = MappingProxyType({})


class PasswdEntry(NamedTuple):
    """A user's name, and the id of the primary group."""

    name: str
    gid: int


class MissingOwner(StrEnum):
    """Why a job id has no owner."""

    FORMAT = "unknown_format"
    JOB = "unknown_job"
    SCHEDULER = "scheduler_unavailable"


class ProcessOwner(NamedTuple):
    """The name of a process, its group and its user; a name that is not known is the id."""

    process: str
    group: str
    user: str


Owner = JobOwner | ProcessOwner | MissingOwner


class Sums(NamedTuple):
    """A measure by the owner of its job ids, followed by further dimensions such as the target."""

    jobs: Mapping[Key, float]
    processes: Mapping[Key, float]
    unmatched: Mapping[MissingOwner, float]


def jobids(vectors: Iterable[Samples]) -> dict[str, None]:
    """Return each job id once."""
    return {labels.get("jobid", ""): None for samples in vectors for labels, _ in samples}


def split(
    ids: Iterable[str], templates: JobidTemplates, known: Mapping[str, Jobid | None] = _NONE
) -> dict[str, Jobid | None]:
    """Split each job id; None for one that fits no template. Those of the last poll are known."""
    return {jobid: known[jobid] if jobid in known else templates.split(jobid) for jobid in ids}


def uids(parts: Iterable[Jobid | None]) -> set[int]:
    """Return the users whose names are needed: those of processes without a job."""
    return {one.uid for one in parts if one and one.job is None and one.uid is not None}


def gids(parts: Iterable[Jobid | None], users: Mapping[int, PasswdEntry]) -> set[int]:
    """Return the groups whose names are needed: those of job ids, else the users' own."""
    found = {_gid(one, users) for one in parts if one and one.job is None}
    return {gid for gid in found if gid is not None}


def find_owners(
    parts: Mapping[str, Jobid | None],
    jobs: Mapping[str, JobOwner],
    users: Mapping[int, PasswdEntry],
    groups: Mapping[int, str],
    missing: MissingOwner,
) -> dict[str, Owner]:
    """Return the owner of each job id; `missing` is why a job that is not known has none."""
    return {
        jobid: MissingOwner.FORMAT
        if one is None
        else _process(one, users, groups)
        if one.job is None
        else jobs.get(one.job, missing)
        for jobid, one in parts.items()
    }


def join(samples: Samples, owners: Mapping[str, Owner], dimensions: Sequence[str]) -> Sums:
    """Add up a measure by owner and by `dimensions`, which are labels of its samples."""
    jobs: defaultdict[Key, float] = defaultdict(float)
    processes: defaultdict[Key, float] = defaultdict(float)
    unmatched = dict.fromkeys(MissingOwner, 0.0)
    for labels, value in samples:
        owner = owners[labels.get("jobid", "")]
        if isinstance(owner, MissingOwner):
            unmatched[owner] += value
            continue
        key = (*owner, *[labels.get(name, "") for name in dimensions]) if dimensions else owner
        (jobs if isinstance(owner, JobOwner) else processes)[key] += value
    return Sums(jobs, processes, unmatched)


def count_owners(owners: Mapping[str, Owner]) -> Counter[str]:
    """Count job ids by what they are of: `job`, `process`, or why they are of nothing."""
    return Counter(
        owner.value
        if isinstance(owner, MissingOwner)
        else "job"
        if isinstance(owner, JobOwner)
        else "process"
        for owner in owners.values()
    )


def _gid(parts: Jobid, users: Mapping[int, PasswdEntry]) -> int | None:
    if parts.gid is not None or parts.uid is None:
        return parts.gid
    user = users.get(parts.uid)
    return user.gid if user else None


def _process(
    parts: Jobid, users: Mapping[int, PasswdEntry], groups: Mapping[int, str]
) -> ProcessOwner:
    uid, gid = parts.uid, _gid(parts, users)
    user = users.get(uid) if uid is not None else None
    return ProcessOwner(
        parts.process or "",
        "" if gid is None else groups.get(gid, str(gid)),
        user.name if user else str(uid),
    )
