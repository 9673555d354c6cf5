"""Jobs from Slurm's own `squeue`, on the host whose sinfo reports the nodes: one command a poll."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Self

from rackwatt_crds.wording import counted
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.job_state import WAITING
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.slurm.cluster_header import check_cluster
from rackwatt_exporter.schedulers.slurm.squeue_output import JOBS, parse_jobs

_HEADER = b"CLUSTER: "


_HIDDEN = "squeue lists no job and nodes are allocated: PrivateData=jobs hides them from this user"


class Jobs(NamedTuple):
    """Every job, None where they are not known; how many lines could not be read; a note."""

    jobs: tuple[Job, ...] | None = None
    unread: int = 0
    note: str = ""

    def unless_hidden(self, nodes: Iterable[SchedulerNode]) -> Self:
        """Return itself, or that jobs are hidden: none is listed, and nodes are allocated.

        Slurm says nothing where it hides them.
        """
        if self.jobs is None or any(job.state not in WAITING for job in self.jobs):
            return self
        allocated = any(node.allocated and node.allocated.cpus for node in nodes)
        return type(self)(note=_HIDDEN) if allocated else self


class Squeue:
    """Slurm's jobs. It keeps the lines of the last poll, so that the same line is the same record.

    `arguments` choose the cluster; `cluster` is its name, None for the host's own.
    """

    def __init__(self, arguments: tuple[str, ...], cluster: str | None) -> None:
        self._arguments = arguments
        self._cluster = cluster
        self._last: Mapping[bytes, Job] = {}

    async def read(self, run: Callable[..., Awaitable[bytes]], version: bytes) -> Jobs:
        """Read every job; `run` runs squeue, and `version` is what `sinfo --version` printed.

        Raises:
            ReadError: what `run` raises; bad_reply where another cluster answers.
        """
        output = await run(*self._arguments, *JOBS)
        if _HEADER in output:
            text, said = (part.decode("utf-8", "replace") for part in (output, version))
            check_cluster("squeue", text, self._cluster, said)
        listed = parse_jobs(output, self._last)
        self._last = listed.by_line
        return Jobs(tuple(listed.by_line.values()), len(listed.unread), _note(listed.unread))


def _note(unread: Sequence[str]) -> str:
    return f"{counted(len(unread), 'job')} could not be read: {unread[0]}" if unread else ""
