"""Node states from Slurm's own `sinfo`, on whichever host it runs.

One command a reading. Where the names differ from those of the last reading, and now and then, a
second one counts the nodes: a line that was lost on its way is then known to be.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from rackwatt_exporter.protocols.command.process import CommandError, one_line
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.errors import reason_of
from rackwatt_exporter.schedulers.slurm.sinfo_output import (
    COUNT,
    NODES,
    Listed,
    parse_count,
    parse_nodes,
    parse_version,
)

# Of all partitions, hidden ones too.
_ALL = ("-a", "-h")
_COUNTED_EVERY = 120  # readings: an hour of the usual interval
# Where Slurm is, and a token for it. No other variable of ours reaches sinfo.
VARIABLES = ("SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT")
# What sinfo obeys beside its arguments; another host's login shell may set it.
OBEYED = (
    "SINFO_ALL",
    "SINFO_FEDERATION",
    "SINFO_FORMAT",
    "SINFO_LOCAL",
    "SINFO_PARTITION",
    "SINFO_SORT",
    "SLURM_CLUSTERS",
    "SLURM_DEBUG_FLAGS",
    "SLURM_FEDERATION",
    "SLURM_TIME_FORMAT",
    "SLURM_WORKING_CLUSTER",
)

HINTS = {
    Reason.AUTH_FAILED: "Slurm does not let us in: is munged running there, with the same key?",
    Reason.PRIVILEGE_INSUFFICIENT: "Slurm's PrivateData=nodes hides them from this user",
    Reason.TIMEOUT: "slurmctld did not answer sinfo in time",
    Reason.UNREACHABLE: "sinfo cannot reach slurmctld: is it running?",
}
# What fails before slurmctld has a say, by what env and sinfo print of it.
BEFORE = (
    ("env: ", "there is no sinfo: install Slurm's commands, or say in `path` where it is"),
    ("configuration source", "sinfo finds no slurm.conf: put it in place, or set SLURM_CONF"),
    ("for SLURM_CLUSTERS", "SLURM_CLUSTERS names another cluster: does a wrapper of sinfo set it?"),
    ("for --cluster", "slurm.cluster names a cluster that slurmdbd does not list or reach"),
    (
        "talking to the database",
        "slurm.cluster, or SLURM_CLUSTERS in a wrapper of sinfo, names a cluster, and slurmdbd, "
        "which knows where it is, does not answer",
    ),
)


class CommandRunner(Protocol):
    """Where commands run: LocalHost or SshHost."""

    async def run(self, argv: Sequence[str], timeout_s: float) -> bytes:
        """Run a command and give its stdout; raises ReadError."""
        ...

    async def close(self) -> None:
        """End what is open."""
        ...


_Run = Callable[..., Awaitable[bytes]]


class _Check(NamedTuple):
    """What a count of the nodes came to, of the names that were listed at the time."""

    names: frozenset[str] = frozenset()
    unread: int = 0
    note: str = ""
    readings_left: int = 0


class Sinfo:
    """Slurm as its commands on one host report it.

    `folder` is where they are, if not in PATH; `cluster` is which of several, None their own.
    """

    def __init__(
        self, host: CommandRunner, folder: str | None, timeout_s: float, cluster: str | None = None
    ) -> None:
        self._host = host
        self._command = f"{folder.rstrip('/')}/sinfo" if folder else "sinfo"
        self._timeout_s = timeout_s
        self._cluster = cluster
        self._arguments = (*_ALL, *(("-M", cluster) if cluster else ("--local",)))
        self._version: bytes | None = None  # what was printed for it
        self._check = _Check()

    async def read(self) -> SchedulerSnapshot:
        """Read a snapshot of every node that is in a partition.

        Raises:
            ReadError: what the host raises; auth_failed, timeout, unreachable where sinfo says so;
                bad_reply where it lists no node, or those of another cluster.
        """
        run = self._runner()
        try:
            output = await run(*self._arguments, *NODES)
            if self._version is None:
                self._version = await run("--version")
            listed = parse_nodes(output, self._cluster, self._version)
        except ReadError:
            self._version = None  # the next Slurm that answers may be another
            raise
        self._check = check = await self._checked(listed, run)
        return SchedulerSnapshot(
            listed.nodes,
            cluster=self._cluster or "",
            version=parse_version(self._version),
            unread=check.unread,
            note=check.note,
        )

    async def close(self) -> None:
        """End what the host keeps open."""
        await self._host.close()

    async def _checked(self, listed: Listed, run: _Run) -> _Check:
        """Count the nodes, unless the same were counted not long ago."""
        last, names = self._check, listed.nodes.keys()
        if last.readings_left and last.names == names:
            return last._replace(readings_left=last.readings_left - 1)
        try:
            count = parse_count(await run(*self._arguments, *COUNT))
        except ReadError:
            count = None  # such as an account that may run one command alone
        unread, note = compared(listed, count)
        wrong = count not in (None, len(names))
        return _Check(frozenset(names), unread, note, 0 if wrong else _COUNTED_EVERY)

    def _runner(self) -> _Run:
        """Give what runs sinfo, any number of times until one deadline."""
        clock = asyncio.get_running_loop().time
        deadline_s = clock() + self._timeout_s

        async def run(*arguments: str) -> bytes:
            try:
                return await self._host.run((self._command, *arguments), deadline_s - clock())
            except CommandError as error:
                raise explained(error) from None

        return run


def compared(listed: Listed, count: int | None) -> tuple[int, str]:
    """Compare what was listed with a count of it: how many nodes are unread, and a note of it."""
    first = f"; it could not be read: {listed.unread[0]}" if listed.unread else ""
    if count is None:
        return len(listed.unread), f"sinfo lists {len(listed.nodes)} nodes{first}" if first else ""
    if count == len(listed.nodes):  # what was not read is none of sinfo's
        return 0, ""
    note = f"sinfo counts {count} nodes and lists {len(listed.nodes)}{first}"
    return max(0, count - len(listed.nodes)), note


def explained(error: CommandError) -> ReadError:
    """Find what a command that failed means, and keep its words."""
    for phrase, message in BEFORE:
        if phrase in error.stderr:
            return ReadError(Reason.COMMAND_FAILED, message)
    reason = reason_of(error.stderr)
    if reason is None and error.reason is not Reason.TIMEOUT:
        return error
    reason = reason or Reason.TIMEOUT
    words = "; ".join(line.strip() for line in error.stderr.splitlines() if line.strip())
    return ReadError(reason, f"{HINTS[reason]} ({one_line(words, 0) if words else error})")
