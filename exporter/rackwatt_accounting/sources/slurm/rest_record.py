"""A job as slurmdbd's REST interface has it, in the spellings of v0.0.38 and of those since.

Numbers were plain and are wrapped, a state was a word and is a list of them, and what is not known
was null and is a number such as -2. All of it becomes what sacct prints.
"""

from typing import Any

import msgspec

from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.sources.slurm.record import make_unit
from rackwatt_accounting.sources.texts import clean
from rackwatt_exporter.schedulers.model.fields import MAX_TIME_S
from rackwatt_exporter.schedulers.slurm.rest_json import json_count, text


class _Times(msgspec.Struct, gc=False):
    submission: Any = None
    start: Any = None
    end: Any = None
    suspended: Any = None


class _Array(msgspec.Struct):
    job_id: Any = None
    task_id: Any = None
    task: Any = None


class _Het(msgspec.Struct):
    job_id: Any = None
    job_offset: Any = None


class _Signal(msgspec.Struct):
    id: Any = None
    old: Any = msgspec.field(default=None, name="signal_id")


class _ExitCode(msgspec.Struct):
    return_code: Any = None
    signal: _Signal | None = None


class _State(msgspec.Struct):
    current: list[str] | str


class _Amount(msgspec.Struct):
    type: str
    name: str | int | None = None
    count: int | None = None


class _Tres(msgspec.Struct):
    allocated: list[_Amount] | None = None


class DbJob(msgspec.Struct):
    """What is read of a job: an error where one of these is not there."""

    job_id: int
    state: _State
    time: _Times
    tres: _Tres
    array: _Array | None = None
    het: _Het | None = None
    exit_code: _ExitCode | None = None
    cluster: str | None = None
    user: Any = None
    group: Any = None
    account: str | None = None
    partition: str | None = None
    qos: str | None = None
    nodes: str | None = None
    working_directory: str | None = None
    name: str | None = None


def unit_of(job: DbJob) -> Unit | None:
    """Return the unit of a job; None for one that waits. Its uid is not known here.

    Raises:
        ValueError: a time is none.
    """
    times, state = job.time, _state(job.state.current)
    return make_unit(
        str(job.job_id),
        _display_id(job),
        state,
        _exit_code(job.exit_code, state),
        _seconds(times.submission),
        _seconds(times.start),
        _seconds(times.end),
        _seconds(times.suspended),
        -1,
        clean(text(job.user)),
        clean(text(job.group)),
        clean(job.account or ""),
        clean(job.partition or ""),
        clean(job.qos or ""),
        clean(job.nodes or ""),
        clean(job.working_directory or ""),
        clean(job.name or ""),
        _tres(job.tres.allocated or ()),
    )


def _display_id(job: DbJob) -> str:
    """Return JobID as sacct prints it."""
    array, het = job.array or _Array(), job.het or _Het()
    if whole := json_count(array.job_id):
        task = json_count(array.task_id)
        if task is not None:
            return f"{whole}_{task}"
        if waiting := text(array.task):
            return f"{whole}_[{clean(waiting)}]"
    if whole := json_count(het.job_id):
        return f"{whole}+{json_count(het.job_offset) or 0}"
    return str(job.job_id)


def _state(current: list[str] | str) -> str:
    """Return the word that Slurm's own text shows: a flag such as REQUEUED, behind the state."""
    return current if isinstance(current, str) else current[-1] if current else ""


def _exit_code(code: _ExitCode | None, state: str) -> str:
    """Return the code as sacct prints it; of a failure v0.0.38 has 0, which is not its status."""
    if code is None:
        return ""
    signal = code.signal or _Signal()
    number = json_count(signal.id) or json_count(signal.old) or 0
    status = json_count(code.return_code) or 0
    return f"{status}:{number}" if status or number or state != "FAILED" else ""


def _seconds(value: Any) -> int:
    seconds = json_count(value)
    if seconds is None or seconds > MAX_TIME_S:
        raise ValueError(f"{value!r} where a time is due")
    return seconds


def _tres(amounts: list[_Amount] | tuple[()]) -> str:
    """Return a TRES text as sacct prints it; of an amount that is not known nothing is there."""
    pairs = (
        (f"{one.type}/{one.name}" if one.name else one.type, one.count)
        for one in amounts
        if one.count is not None and one.count >= 0
    )
    return ",".join(f"{name}={count}{'M' * (name == 'mem')}" for name, count in pairs)
