"""The accounting file of Grid Engine: a line of fields between colons for each run that ended.

accounting(5) has the fields. A name has no colon (qsub refuses it); the category of a job, which
has what it requested, may have some: what is before it is counted from the left, what is behind it
from the right. Times are seconds, and milliseconds in Univa's and Altair's releases.

A parallel job may have a line for each of its parts beside its own (accounting_summary): these are
parts of what it held, and left out.
"""

from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.sources.texts import clean
from rackwatt_exporter.protocols.http.redaction import quoted
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.fields import MAX_COUNT, MAX_TIME_S
from rackwatt_exporter.schedulers.model.job_state import JobState

END = "rackwatt: end of the accounting file"
MIB = 2**20
_FIELDS = 45
_BEHIND_CATEGORY = 5  # iow, pe_taskid, maxvmem, arid, ar_sub_time
_MS_FROM = 10**11
_NONE = "NONE"
_RESCHEDULED = frozenset({"24", "25"})  # failed: migrating, rescheduling


def script(from_s: int) -> tuple[str, ...]:
    """Return the command that prints the lines of what ended since a time, the last one first.

    The file grows for years: it is read from its end, until a thousand lines are older by a day.
    """
    text = f"""
set -e
file=${{SGE_ROOT:?}}/${{SGE_CELL:-default}}/common/accounting
[ -r "$file" ] || {{ cat "$file"; exit 1; }}
tac -- "$file" | LC_ALL=C awk -F: -v from={from_s} '
  /^#/ || NF < 15 {{ next }}
  {{ end = $11 + 0 ? $11 : $9; if (end > {_MS_FROM}) end /= 1000 }}
  end >= from {{ print; old = 0; next }}
  end < from - 86400 && ++old >= 1000 {{ exit }}
  END {{ print "{END}" }}'
"""
    return "sh", "-c", text


def parse_file(output: bytes) -> list[Unit]:
    """Read the lines of runs.

    Raises:
        ReadError: bad_reply where the output is cut, or a line is none of an accounting file.
    """
    text = output.decode("utf-8", "backslashreplace")
    if not text.endswith(f"{END}\n") or text.removesuffix(f"{END}\n")[-1:] not in ("", "\n"):
        raise ReadError(Reason.BAD_REPLY, "the output of Grid Engine's accounting file was cut")
    try:
        return [unit for line in text.split("\n")[:-2] if (unit := _unit(line)) is not None]
    except ValueError as error:
        message = f"not a line of Grid Engine's accounting file: {quoted(str(error), 120)}"
        raise ReadError(Reason.BAD_REPLY, message) from None


def _unit(line: str) -> Unit | None:
    """Return the unit of a line; None for a part of a parallel job. Raises ValueError."""
    fields = line.split(":")
    if len(fields) < _FIELDS:
        raise ValueError(line)
    behind = fields[-_BEHIND_CATEGORY:]
    if behind[1] != _NONE:
        return None
    queue, host, group, owner, name, number, account = fields[:7]
    submitted, started, ended = (_time_s(text) for text in fields[8:11])
    failed, status = fields[11:13]
    project, _, environment, slots, task = fields[31:36]
    ended_at_s = ended or started or submitted
    has_run = bool(started and ended)
    job = _count(number)
    return Unit(
        id=f"{job}.{_count(task)}" if task != "0" else str(job),
        started_at_s=min(started, ended) if has_run else ended_at_s,
        ended_at_s=ended_at_s,
        array=str(job) if task != "0" else "",
        name=clean(name),
        state=_state(failed, status),
        exit_code=clean(status),
        submitted_at_s=submitted or None,
        user=clean(owner),
        group=clean(group),
        account=clean(account if project == _NONE else project),
        partition=clean(queue),
        cpus=_count(slots) if has_run else 0,
        nodes=1 if has_run and environment == _NONE else 0,
        tres=f"slots={_count(slots)}" if has_run else "",
        node_list=clean(host) if has_run else "",
        cpu_used_ms=round(1000 * _number(fields[36])) if has_run else None,
        memory_used_mib=round(_number(behind[2])) // MIB if has_run else None,
    )


def _state(failed: str, status: str) -> str:
    """Return how a run ended, by `failed`, which is of Grid Engine, and the exit status."""
    if failed in _RESCHEDULED:
        return "requeued"
    return JobState.COMPLETED if failed == status == "0" else JobState.FAILED


def _time_s(text: str) -> int:
    number = _count(text)
    seconds = number // 1000 if number > _MS_FROM else number
    if seconds > MAX_TIME_S:
        raise ValueError(f"{text} where a time is due")
    return seconds


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise ValueError(f"{text} where a number is due")
    return int(text)


def _number(text: str) -> float:
    number = float(text)
    if not 0 <= number <= MAX_COUNT:
        raise ValueError(f"{text} where an amount is due")
    return number
