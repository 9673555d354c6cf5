"""Parser of squeue's output: each job on a line, whose columns are never cut.

A login shell may print before, behind and between, even what looks like a job: a line counts only
with the mark of `output_format`. squeue prints its header before the jobs, with the mark too, so
that a queue without a job is known from output of something else. Each line names its job first and
last, so that what is right before it without a newline does not become a part of its name. Between
its last two names is the reason, which may hold any character; before them are the features, in
which `|` means any of them. A line that is the same as at the last poll is the same record: few
jobs change between two polls, and two snapshots share the others.
"""

import re
from collections.abc import Sequence
from io import BytesIO
from typing import NamedTuple

from rackwatt_exporter.printable import printable
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.slurm.arrays import ID, parse_id
from rackwatt_exporter.schedulers.slurm.jobs import SlurmJob, make_job, time_s
from rackwatt_exporter.schedulers.slurm.output_format import MARK, output_format

_COLUMNS = (
    "JobArrayID",
    "State",
    "tres-alloc",
    "UserName",
    "Account",
    "QOS",
    "Partition",
    "NodeList",
    "tres-per-job",
    "tres-per-node",
    "tres-per-socket",
    "tres-per-task",
    "SubmitTime",
    "StartTime",
    "EndTime",
    "JobID",
    "Feature",
    "JobArrayID",
    "Reason",
    "JobArrayID",
)
# All states, since an ended job is shown as long as slurmctld keeps it (MinJobAge, five minutes).
JOBS = ("-t", "all", "-O", output_format(_COLUMNS))

_ID = re.compile(rf"{ID}\Z")
_STATE = re.compile(r"[A-Za-z_+]{1,200}\Z")
_NUMBER = re.compile(r"[0-9]{1,19}\Z")
_MAX_SHOWN = 80
_MAX_COLUMNS = 1000
_MARK = MARK.encode()
_HEADER = f"JOBID{MARK}STATE|".encode()  # no job has the state STATE


class ListedJobs(NamedTuple):
    """The record of each line, and those with squeue's mark that could not be read.

    `is_squeues` is whether any line has the mark: else it is no answer of squeue.
    """

    by_line: dict[bytes, Job]
    unread: tuple[str, ...]
    is_squeues: bool


def parse_jobs(output: bytes, last: dict[bytes, Job]) -> ListedJobs:
    """Read what squeue printed for JOBS. Its header alone is no job.

    `last` are the lines of the last poll. Those that are there again are taken out of it, so that
    a large queue is in memory once.
    """
    by_line: dict[bytes, Job] = {}
    unread: list[str] = []
    has_header = False
    for line in BytesIO(output):
        job = last.pop(line, None) or by_line.get(line)
        if job is None:
            if _MARK not in line:
                continue
            if _HEADER in line:
                has_header = True
                continue
            job = _parse(line.removesuffix(b"\n"))
        if job is not None:
            by_line[line] = job
        else:
            unread.append(printable(line.strip(b"\n"), _MAX_SHOWN))
    return ListedJobs(by_line, tuple(unread), has_header or bool(by_line or unread))


def _parse(line: bytes) -> Job | None:
    """Return the job of a line with the mark; None where it is none."""
    first, _, others = line.decode("utf-8", "replace").partition(MARK)
    columns = others.split("|", _MAX_COLUMNS)
    last = _last(first, columns)
    if last is None:
        return None
    state, tres, user, account, qos, partition, nodes, *rest = columns[:last]
    per_job, per_node, per_socket, per_task, submitted, started, ended, number, *texts = rest
    name = columns[last]
    if not _STATE.match(state) or not _NUMBER.match(number) or name not in texts:
        return None
    features, reason = texts[: texts.index(name)], texts[texts.index(name) + 1 :]
    return make_job(
        parse_id(name).numbered(number),
        SlurmJob(
            words=tuple(state.split("+")),
            tres=tres,
            user=user,
            account=account,
            qos=qos,
            partitions=partition,
            reason="|".join(reason),
            features="|".join(features),
            nodes=nodes,
            gres=(per_job, per_node, per_socket, per_task),
            submitted_at_s=_time_s(submitted),
            started_at_s=_time_s(started),
            ended_at_s=_time_s(ended),
        ),
    )


def _time_s(text: str) -> int | None:
    return time_s(int(text)) if text.isascii() and text.isdigit() and len(text) < 15 else None


def _last(first: str, columns: Sequence[str]) -> int | None:
    """Find the column that names the job last: `first` ends in it, after other output."""
    for last in range(len(columns) - 2, len(_COLUMNS) - 3, -1):
        if _ID.match(columns[last]) and first.endswith(columns[last]):
            return last
    return None
