"""Jobs from Slurm's own `squeue`, on the host whose sinfo reports the nodes: one command a poll."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from rackwatt_crds.wording import counted
from rackwatt_exporter.protocols.command.process import one_line
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.slurm.cluster_header import HEADER, check_cluster
from rackwatt_exporter.schedulers.slurm.jobs import SlurmJobs
from rackwatt_exporter.schedulers.slurm.squeue_output import JOBS, parse_jobs


class Squeue:
    """Slurm's jobs. It keeps the lines of the last poll, so that the same line is the same record.

    `arguments` choose the cluster; `cluster` is its name, None for the host's own.
    """

    def __init__(self, arguments: tuple[str, ...], cluster: str | None) -> None:
        self._arguments = arguments
        self._cluster = cluster
        self._last: dict[bytes, Job] = {}

    async def read(self, run: Callable[..., Awaitable[bytes]], version: bytes) -> SlurmJobs:
        """Read every job; `run` runs squeue, and `version` is what `sinfo --version` printed.

        Raises:
            ReadError: what `run` raises; bad_reply where another cluster or program answers.
        """
        output = await run(*self._arguments, *JOBS)
        if HEADER.encode() in output:
            text, said = (part.decode("utf-8", "replace") for part in (output, version))
            check_cluster("squeue", text, self._cluster, said)
        last, self._last = self._last, {}  # no other poll has them, if this one is cancelled
        # In another thread: a large queue takes longer than the event loop may be held up.
        listed = await asyncio.to_thread(parse_jobs, output, last)
        self._last = listed.by_line
        if not listed.is_squeues:
            raise ReadError(Reason.BAD_REPLY, _not_squeues(output))
        return SlurmJobs(tuple(listed.by_line.values()), len(listed.unread), _note(listed.unread))


def _not_squeues(output: bytes) -> str:
    if not output.strip():
        return "squeue printed nothing, not even its header"
    return f"not what squeue prints: {one_line(output.decode('utf-8', 'replace'), 0)}"


def _note(unread: Sequence[str]) -> str:
    return f"{counted(len(unread), 'job')} could not be read: {unread[0]}" if unread else ""
