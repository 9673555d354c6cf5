"""The job that a process belongs to, from the variables that its scheduler has set.

The id is spelt as the scheduler lists it, since the exporter compares the two. Slurm lists a task
of an array as `8_3` and a component of a heterogeneous job as `4+1`, where SLURM_JOB_ID is the
number of another job.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

# slurm_protocol_defs.h, steps that are not numbered.
_SLURM_STEPS = {
    "4294967290": "interactive",
    "4294967291": "batch",
    "4294967292": "extern",
}
_MAX_COMPONENTS = 128  # of Slurm itself
_RANKS = ("SLURM_PROCID", "PMIX_RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK")


class JobContext(NamedTuple):
    """The job, its step and this process of it; `id` is empty outside of a job."""

    id: str
    step: str
    rank: int | None
    host: str
    cluster: str


def job_context(environment: Mapping[str, str]) -> JobContext:
    """Return the job of an environment."""
    step = environment.get("SLURM_STEP_ID", "")
    return JobContext(
        id=_job_id(environment),
        step=_SLURM_STEPS.get(step, step),
        rank=_rank(environment),
        host=environment.get("SLURMD_NODENAME") or os.uname().nodename,
        cluster=environment.get("SLURM_CLUSTER_NAME", ""),
    )


def _job_id(environment: Mapping[str, str]) -> str:
    get = environment.get
    array, task = get("SLURM_ARRAY_JOB_ID"), get("SLURM_ARRAY_TASK_ID")
    if array and task:
        return f"{array}_{task}"
    if component := _component(environment):
        return component
    if job := get("SLURM_JOB_ID") or get("SLURM_JOBID") or get("PBS_JOBID"):
        return job
    if job := get("LSB_JOBID"):
        index = get("LSB_JOBINDEX", "0")
        return job if index == "0" else f"{job}[{index}]"
    job, task = get("JOB_ID", ""), get("SGE_TASK_ID", "undefined")
    return job if task == "undefined" else f"{job}.{task}"


def _component(environment: Mapping[str, str]) -> str:
    """Return the id of the component of a heterogeneous job that has this node alone."""
    leader, size = environment.get("SLURM_JOB_ID_HET_GROUP_0"), environment.get("SLURM_HET_SIZE")
    if not leader or not size or not size.isdigit():
        return ""
    from rackwatt_crds.hostlist import expand  # most jobs are none of these

    node, found = environment.get("SLURMD_NODENAME", ""), []
    for group in range(min(int(size), _MAX_COMPONENTS)):
        nodes = environment.get(f"SLURM_JOB_NODELIST_HET_GROUP_{group}", "")
        with suppress(ValueError):  # no list of hosts
            if nodes and node in expand(nodes):
                found.append(f"{leader}+{group}")
    return found[0] if len(found) == 1 else ""


def _rank(environment: Mapping[str, str]) -> int | None:
    for name in _RANKS:
        text = environment.get(name, "")
        if text.isascii() and text.isdigit():
            return int(text)
    return None
