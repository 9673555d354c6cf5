"""A job of PBS as a unit, by the attributes that its accounting logs and qstat share."""

import re
from collections.abc import Mapping
from typing import Any

from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.sources.texts import clean
from rackwatt_exporter.schedulers.model.job_state import JobState
from rackwatt_exporter.schedulers.pbs.placement import placement
from rackwatt_exporter.schedulers.pbs.resources import summed
from rackwatt_exporter.schedulers.pbs.values import count, section, size_bytes, text, time_s

MIB = 2**20
_NO_PROJECT = "_pbs_project_default"
_ARRAY = re.compile(r"([0-9]+)\[\](?:\.|\Z)")
_TASK = re.compile(r"([0-9]+)\[[0-9]+\]")
_DURATION = re.compile(r"([0-9]{1,9}):([0-9]{2}):([0-9]{2})\Z")
_GPUS = ("ngpus", "gpus")  # of PBS, of Torque


def is_array(job_id: str) -> bool:
    """Return whether an id is that of an array, whose tasks are jobs of their own."""
    return _ARRAY.match(job_id) is not None


def make_unit(
    job_id: str,
    attributes: Mapping[str, Any],
    started_at_s: int,
    ended_at_s: int | None,
    state: str,
) -> Unit:
    """Make the unit of one run. What it held is what exec_vnode says, else what it requested.

    `resources_used.walltime` is coarser than start and end: how long a job was suspended is not
    known from it.
    """
    places = placement(attributes, {})
    held = summed([part for parts in places.values() for part in parts])
    wanted, used = section(attributes, "Resource_List"), section(attributes, "resources_used")
    gpus = sum(one.count for one in held.gres or ())
    requested_gpus = next((count(wanted[name]) or 0 for name in _GPUS if name in wanted), 0)
    cpus = int(held.cpus or count(wanted.get("ncpus")) or 0)
    memory = held.memory_bytes or size_bytes(wanted.get("mem")) or 0
    nodes = len(places) or count(wanted.get("nodect")) or 0
    amounts = {"gpu": gpus or requested_gpus, "mem": memory // MIB, "ncpus": cpus}
    task = _TASK.match(job_id)
    peak = size_bytes(used.get("mem"))
    return Unit(
        id=clean(job_id),
        started_at_s=started_at_s,
        ended_at_s=None if ended_at_s is None else max(started_at_s, ended_at_s),
        array=task[1] if task else "",
        name=_text(attributes, "Job_Name", "jobname"),
        state=state,
        exit_code=_text(attributes, "Exit_status", "exit_status"),
        submitted_at_s=time_s(attributes.get("ctime")),
        user=_text(attributes, "euser", "user") or _owner(attributes),
        group=_text(attributes, "egroup", "group"),
        account=_text(attributes, "Account_Name", "account") or _project(attributes),
        partition=_text(attributes, "queue"),
        cpus=cpus,
        nodes=nodes,
        gpus=gpus or requested_gpus,
        memory_mib=memory // MIB,
        tres=",".join(
            f"{name}={value}{'M' * (name == 'mem')}" for name, value in amounts.items() if value
        ),
        node_list=clean(",".join(places)),
        cpu_used_ms=_duration_ms(used.get("cput")),
        memory_used_mib=None if peak is None else peak // MIB,
    )


def ended_state(attributes: Mapping[str, Any]) -> str:
    """Return how a job ended: PBS keeps its exit status alone, also of one that was deleted."""
    status = _text(attributes, "Exit_status", "exit_status")
    if not status:
        return JobState.UNKNOWN
    return JobState.COMPLETED if status == "0" else JobState.FAILED


def _text(attributes: Mapping[str, Any], *names: str) -> str:
    return next((clean(found) for name in names if (found := text(attributes.get(name)))), "")


def _owner(attributes: Mapping[str, Any]) -> str:
    return clean(text(attributes.get("Job_Owner")).partition("@")[0])


def _project(attributes: Mapping[str, Any]) -> str:
    project = _text(attributes, "project")
    return "" if project == _NO_PROJECT else project


def _duration_ms(value: Any) -> int | None:
    found = _DURATION.match(text(value))
    if found is None:
        return None
    hours, minutes, seconds = map(int, found.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1000
