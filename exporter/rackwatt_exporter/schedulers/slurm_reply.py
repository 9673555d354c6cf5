"""What slurmrestd answers, in the spellings of every version from v0.0.37 on.

Only what is needed is read. A state was a word with `state_flags` beside it and is a list now; a
number was plain and is wrapped in `{set, infinite, number}` now; errors were text once.
"""

import re

import msgspec

from rackwatt_exporter.printable import printable
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.scheduler import NodeStates
from rackwatt_exporter.schedulers.state import state_of_words

OLDEST, NEWEST = 37, 45
_NODES = re.compile(r"/slurm/v0\.0\.([0-9]{1,6})/nodes/?\Z")


class _Number(msgspec.Struct):
    set: bool = True
    number: int | float | None = None


class _Node(msgspec.Struct):
    name: str
    state: str | list[str]
    state_flags: list[str] | None = None


class _Error(msgspec.Struct):
    error: str | None = None
    description: str | None = None


class _Slurm(msgspec.Struct):
    release: str | None = None


class _Meta(msgspec.Struct):
    old: _Slurm | None = msgspec.field(default=None, name="Slurm")
    slurm: _Slurm | None = None


class Reply(msgspec.Struct):
    """An answer about nodes, or about why there are none."""

    nodes: list[_Node] | None = None
    errors: list[_Error | str] | None = None
    meta: _Meta | None = None
    last_update: _Number | int | None = None

    @property
    def told(self) -> str:
        """The errors it tells of; empty where there are none."""
        told = "; ".join(_told(error) for error in self.errors or ())
        return printable(told)

    @property
    def version(self) -> str:
        """Slurm's own version, such as 24.11.5; empty where it is not told."""
        slurm = (self.meta.slurm or self.meta.old) if self.meta else None
        return (slurm.release if slurm else None) or ""

    @property
    def updated_s(self) -> int | None:
        """When nodes last changed (seconds since the epoch), where Slurm tells it."""
        said = self.last_update
        number = said.number if isinstance(said, _Number) and said.set else said
        return int(number) if isinstance(number, int | float) and number >= 1 else None

    def states(self) -> NodeStates:
        """Read the state of each node.

        Raises:
            ReadError: bad_reply where there is no node.
        """
        if self.nodes is None:
            raise ReadError(
                Reason.BAD_REPLY, "the answer has no `nodes`: is url that of slurmrestd?"
            )
        states = {node.name: _state(node) for node in self.nodes if node.name and node.state}
        if not states:
            told = "slurmrestd lists no node: Slurm's PrivateData=nodes hides them from this user"
            raise ReadError(Reason.BAD_REPLY, told)
        return NodeStates(states, self.version)


class _OpenApi(msgspec.Struct):
    paths: dict[str, msgspec.Raw]


_REPLY = msgspec.json.Decoder(Reply)
_OPENAPI = msgspec.json.Decoder(_OpenApi)


def nodes_path(openapi: bytes) -> str:
    """Choose among the paths that a slurmrestd describes: the newest version that we know.

    Where all are newer, the oldest of them: it is nearest to what we know.

    Raises:
        ReadError: bad_reply.
    """
    try:
        paths = _OPENAPI.decode(openapi).paths
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        told = "/openapi/v3 is not what slurmrestd says there: is url that of slurmrestd?"
        raise ReadError(Reason.BAD_REPLY, told) from None
    versions = {int(found[1]): path for path in paths if (found := _NODES.match(path))}
    known = [version for version in versions if OLDEST <= version <= NEWEST]
    newer = [version for version in versions if version > NEWEST]
    if known or newer:
        return versions[max(known) if known else min(newer)]
    said = ", ".join(f"v0.0.{version}" for version in sorted(versions)) or "none"
    told = f"slurmrestd offers no version from v0.0.{OLDEST} on of /nodes (it has {said})"
    raise ReadError(Reason.BAD_REPLY, told)


def reply(body: bytes) -> Reply:
    """Read an answer.

    Raises:
        ReadError: bad_reply.
    """
    try:
        return _REPLY.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        told = f"the answer is not as slurmrestd should spell it: {printable(str(error), 160)}"
        raise ReadError(Reason.BAD_REPLY, told) from None


def _told(error: _Error | str) -> str:
    if isinstance(error, str):
        return error
    return ": ".join(word for word in (error.description, error.error) if word) or "an error"


def _state(node: _Node) -> str:
    base = (node.state,) if isinstance(node.state, str) else tuple(node.state)
    return state_of_words((*base, *(node.state_flags or ())))
