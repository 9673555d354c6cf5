"""Nodes and jobs from Slurm's own `sinfo` and `squeue`, on whichever host they run.

One command each a reading. Where the names of nodes differ from those of the last reading, and now
and then, a third one counts the nodes: a line that was lost on its way is then known to be. Where
jobs cannot be read the nodes are still known, and jobs are not: never none. What a document wants
beside both is read behind them, each by a command of its own (subjects.py).
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from rackwatt_exporter.protocols.command.process import CommandError
from rackwatt_exporter.reading import ReadError
from rackwatt_exporter.schedulers.commands import (
    CommandEnvironment,
    Run,
    SchedulerCommands,
)
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.auth import TokenTimes
from rackwatt_exporter.schedulers.slurm.command_errors import map_error
from rackwatt_exporter.schedulers.slurm.jobs import SlurmJobs
from rackwatt_exporter.schedulers.slurm.node_parts import NodeParts
from rackwatt_exporter.schedulers.slurm.sinfo_output import (
    COUNT,
    NODES,
    Listed,
    parse_count,
    parse_nodes,
    parse_version,
)
from rackwatt_exporter.schedulers.slurm.squeue import Squeue
from rackwatt_exporter.schedulers.slurm.subject import SlurmSubject
from rackwatt_exporter.schedulers.slurm.subject_commands import SubjectCommands
from rackwatt_exporter.schedulers.slurm.subjects import SubjectReader

# Of all partitions, hidden ones too.
_ALL = "-a"
_COUNTED_EVERY = 120  # readings: an hour of the usual interval
# Where Slurm is, and a token for it. No other variable of ours reaches the commands.
VARIABLES = ("SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT")
# The whole list of an array's tasks, and times without a zone of time.
SETTINGS = ("SLURM_BITSTR_LEN=0", "SLURM_TIME_FORMAT=%s")
# What the commands obey beside their arguments; another host's login shell may set it.
OBEYED = (
    "SCONTROL_ALL",
    "SCONTROL_FEDERATION",
    "SCONTROL_FUTURE",
    "SCONTROL_LOCAL",
    "SCONTROL_SIBLING",
    "SINFO_ALL",
    "SINFO_FEDERATION",
    "SINFO_FORMAT",
    "SINFO_LOCAL",
    "SINFO_PARTITION",
    "SINFO_SORT",
    "SLURM_CLUSTERS",
    "SLURM_DEBUG_FLAGS",
    "SLURM_FEDERATION",
    "SLURM_WORKING_CLUSTER",
    "SQUEUE_ACCOUNT",
    "SQUEUE_ALL",
    "SQUEUE_ARRAY",
    "SQUEUE_FEDERATION",
    "SQUEUE_LICENSES",
    "SQUEUE_LOCAL",
    "SQUEUE_NAMES",
    "SQUEUE_PARTITION",
    "SQUEUE_QOS",
    "SQUEUE_SIBLING",
    "SQUEUE_SORT",
    "SQUEUE_STATES",
    "SQUEUE_USERS",
)
ENVIRONMENT = CommandEnvironment(VARIABLES, OBEYED, SETTINGS)
_NO_TOKEN = TokenTimes()


class _Check(NamedTuple):
    """What a count of the nodes came to, of the names that were listed at the time."""

    names: frozenset[str] = frozenset()
    unread: int = 0
    note: str = ""
    readings_left: int = 0


class SlurmCommands:
    """Slurm as its commands on one host report it.

    `cluster` is which of several, None their own; `jobs` is whether jobs are read, `subjects` what
    is beside nodes and jobs; `user` is who runs the commands, empty where that is not known;
    `token` are the times of the token that they use.
    """

    def __init__(
        self,
        commands: SchedulerCommands,
        cluster: str | None = None,
        *,
        jobs: bool,
        subjects: Sequence[SlurmSubject] = (),
        user: str = "",
        token: TokenTimes = _NO_TOKEN,
    ) -> None:
        self._commands = commands
        self._cluster = cluster
        self._user = user
        self._token = token
        which = (_ALL, *(("-M", cluster) if cluster else ("--local",)))
        self._arguments = (*which, "-h")
        self._version: bytes | None = None  # what was printed for it
        self._check = _Check()
        self._listed = Listed({})
        self._parts = NodeParts()
        self._squeue = Squeue(which, cluster) if jobs else None
        self._forms = SubjectCommands(commands, cluster)
        self._subjects = SubjectReader(subjects, self._forms.ask)

    async def read(self) -> SchedulerSnapshot:
        """Read a snapshot of every node that is in a partition, of every job, and of the subjects.

        Raises:
            ReadError: what the host raises; auth_failed, timeout, unreachable where sinfo says so;
                bad_reply where it lists no node, or those of another cluster.
        """
        deadline_s = asyncio.get_running_loop().time() + self._commands.timeout_s
        run, run_squeue = self._runners()
        try:
            output = await run(*self._arguments, *NODES)
            if self._version is None:
                self._version = await run("--version")
            listed = await asyncio.to_thread(
                parse_nodes, output, self._cluster, self._version, self._listed
            )
        except ReadError:
            self._version = None  # the next Slurm that answers may be another
            self._forms.forget()
            raise
        self._listed = listed
        listed, self._check = await self._checked(listed, run)
        check = self._check
        jobs = await self._jobs(listed, run_squeue, self._version)
        snapshot = SchedulerSnapshot(
            listed.nodes,
            cluster=self._cluster or "",
            version=parse_version(self._version),
            unread=check.unread,
            note="; ".join(filter(None, (check.note, jobs.note))),
            jobs=jobs.jobs,
            unread_jobs=jobs.unread,
            usage=listed.usage,
            user=self._user,
            token_issued_at_s=self._token.issued_at_s,
            token_expires_at_s=self._token.expires_at_s,
        )
        return await self._subjects.complete(snapshot, deadline_s)

    async def close(self) -> None:
        """End what the host keeps open."""
        await self._commands.close()

    async def _checked(self, listed: Listed, run: Run) -> tuple[Listed, _Check]:
        """Count the nodes, unless the same were counted not long ago; drop those in doubt."""
        last, names = self._check, listed.nodes.keys()
        if last.readings_left and last.names == names:
            return listed, last._replace(readings_left=last.readings_left - 1)
        try:
            count = parse_count(await run(*self._arguments, *COUNT))
        except ReadError:
            count = None  # such as an account that may run one command alone
        listed = without_doubtful(listed, count)
        unread, note = compared(listed, count)
        wrong = count not in (None, len(names))
        return listed, _Check(frozenset(names), unread, note, 0 if wrong else _COUNTED_EVERY)

    async def _jobs(self, listed: Listed, run: Run, version: bytes) -> SlurmJobs:
        """Read the jobs; where that fails they are not known, and the note says why."""
        if self._squeue is None:
            return SlurmJobs()
        try:
            jobs = await self._squeue.read(run, version)
        except ReadError as error:
            return SlurmJobs.failed(error)
        jobs = await asyncio.to_thread(self._parts.complete, jobs, listed.nodes)
        return jobs.unless_hidden(listed.nodes.values())

    def _runners(self) -> tuple[Run, Run]:
        """Return what runs sinfo and squeue, any number of times until one deadline."""
        until = self._commands.until_deadline()

        async def run(command: str, *arguments: str) -> bytes:
            try:
                return await until(command, *arguments)
            except CommandError as error:
                raise map_error(error, command, self._cluster) from None

        return partial(run, "sinfo"), partial(run, "squeue")


def without_doubtful(listed: Listed, count: int | None) -> Listed:
    """Drop the names without the columns that others have, where sinfo counts fewer nodes.

    A greeting may look like the first columns of a node. A node that is dropped has no state,
    which is better than the state of a node that does not exist.
    """
    nodes, incomplete = listed.nodes, listed.incomplete
    if count is None or count >= len(nodes) or len(incomplete) == len(nodes):
        return listed
    unread = (*listed.unread, *sorted(incomplete))
    kept = {name: nodes[name] for name in nodes if name not in incomplete}
    return listed._replace(nodes=kept, unread=unread, incomplete=frozenset())


def compared(listed: Listed, count: int | None) -> tuple[int, str]:
    """Compare what was listed with a count of it: how many nodes are unread, and a note of it."""
    first = f"; it could not be read: {listed.unread[0]}" if listed.unread else ""
    if count is None:
        return len(listed.unread), f"sinfo lists {len(listed.nodes)} nodes{first}" if first else ""
    if count == len(listed.nodes):  # what was not read is none of sinfo's
        return 0, ""
    note = f"sinfo counts {count} nodes and lists {len(listed.nodes)}{first}"
    return max(0, count - len(listed.nodes)), note
