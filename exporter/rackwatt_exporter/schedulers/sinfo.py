"""Node states from Slurm's own `sinfo`, on whichever host it runs.

Every column ends in `|`: without that sinfo cuts what is longer than 20 characters. Two spellings
of the state are asked for, since Slurm before 20.11 leaves the complete one empty.
"""

import re
from collections.abc import Sequence
from typing import Protocol

from rackwatt_exporter.printable import printable
from rackwatt_exporter.protocols.child import CommandError, one_line
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.scheduler import NodeStates
from rackwatt_exporter.schedulers.slurm_failures import reason_of
from rackwatt_exporter.schedulers.state import state_of_text

# Of all partitions, hidden ones too, and of this cluster alone where several are federated.
ARGUMENTS = ("-a", "-h", "-N", "--local", "-O", "NodeList:|,StateComplete:|,StateLong:|")
_LINE = re.compile(r"([A-Za-z0-9._-]+)\|([^|\s]*)\|([^|\s]*)\|\s*\Z")

HINTS = {
    Reason.AUTH_FAILED: "Slurm does not let us in: is munged running there, with the same key?",
    Reason.PRIVILEGE_INSUFFICIENT: "Slurm's PrivateData=nodes hides them from this user",
    Reason.TIMEOUT: "slurmctld did not answer sinfo in time",
    Reason.UNREACHABLE: "sinfo cannot reach slurmctld: is it running?",
}
# What fails before Slurm has a say, by what env and sinfo print of it.
BEFORE = (
    ("env: ", "there is no sinfo: install Slurm's commands, or say in `path` where it is"),
    ("configuration source", "sinfo finds no slurm.conf: put it in place, or set SLURM_CONF"),
)


class Host(Protocol):
    """Where commands run: LocalHost or SshHost."""

    async def run(self, argv: Sequence[str], timeout_s: float) -> bytes:
        """Run a command and give its stdout; raises ReadError."""
        ...

    async def close(self) -> None:
        """End what is open."""
        ...


class Sinfo:
    """Slurm as its commands on one host tell it; `folder` is where they are, if not in PATH."""

    def __init__(self, host: Host, folder: str | None, timeout_s: float) -> None:
        self._host = host
        self._command = f"{folder.rstrip('/')}/sinfo" if folder else "sinfo"
        self._timeout_s = timeout_s
        self._version: str | None = None

    async def read(self) -> NodeStates:
        """Read the state of every node that is in a partition.

        Raises:
            ReadError: what the host raises; auth_failed, timeout, unreachable where sinfo says so;
                bad_reply where it lists no node.
        """
        try:
            states = parse_states(await self._run(*ARGUMENTS))
            if self._version is None:
                self._version = parse_version(await self._run("--version"))
        except ReadError:
            self._version = None  # the next Slurm that answers may be another
            raise
        return NodeStates(states, self._version)

    async def close(self) -> None:
        """End what the host keeps open."""
        await self._host.close()

    async def _run(self, *arguments: str) -> bytes:
        try:
            return await self._host.run((self._command, *arguments), self._timeout_s)
        except CommandError as error:
            raise explained(error) from None


def parse_states(output: bytes) -> dict[str, str]:
    """Read what sinfo printed for ARGUMENTS: a state of state.py by node.

    A node stands there once for each of its partitions. Lines that are none of sinfo's, such as a
    greeting that a login shell prints, are passed over.

    Raises:
        ReadError: bad_reply where no line is one of a node.
    """
    states: dict[str, str] = {}
    for line in output.decode("utf-8", "replace").splitlines():
        if (found := _LINE.match(line)) is None:
            continue
        name, complete, long = found.groups()
        states[name] = state_of_text(complete or long)
    if not states:
        raise ReadError(Reason.BAD_REPLY, _none(output))
    return states


def parse_version(output: bytes) -> str:
    """Read what `sinfo --version` printed: the last word of its last line."""
    words = output.decode("utf-8", "replace").split()
    return printable(words[-1], 40) if words else ""


def explained(error: CommandError) -> ReadError:
    """Find what stands behind a command that failed."""
    for phrase, told in BEFORE:
        if phrase in error.said:
            return ReadError(Reason.COMMAND_FAILED, told)
    reason = reason_of(error.said)
    return ReadError(reason, HINTS[reason]) if reason else error


def _none(output: bytes) -> str:
    if not output.strip():
        return (
            "sinfo lists no node: Slurm's PrivateData=nodes hides them from this user,"
            " or no partition has nodes"
        )
    return f"not what sinfo prints: {one_line(output.decode('utf-8', 'replace'), 0)[:80]}"
