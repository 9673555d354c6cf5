"""Responses of slurmrestd, in the spellings of every version from v0.0.37 on.

Only what is needed is read. A number was plain and is wrapped in `{set, infinite, number}` now;
errors were text once. rest_nodes.py and rest_jobs.py read the records.
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from rackwatt_exporter.printable import printable
from rackwatt_exporter.protocols.http.redaction import quoted
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot, share
from rackwatt_exporter.schedulers.slurm.rest_jobs import JobRecord
from rackwatt_exporter.schedulers.slurm.rest_json import decode_json
from rackwatt_exporter.schedulers.slurm.rest_nodes import RestNode, read_nodes

OLDEST, NEWEST = 37, 45
_NO_DATABASE = 7000  # ESLURM_DB_CONNECTION
_NODES = re.compile(r"/slurm/v0\.0\.([0-9]{1,6})/nodes/?\Z")


class _Number(msgspec.Struct):
    set: bool = True
    number: int | float | None = None


class _Error(msgspec.Struct):
    error: str | None = None
    description: str | None = None
    error_number: Any = None


class _Slurm(msgspec.Struct):
    release: str | None = None
    cluster: str | None = None


class _Client(msgspec.Struct):
    user: str | None = None


class _Meta(msgspec.Struct):
    old: _Slurm | None = msgspec.field(default=None, name="Slurm")
    slurm: _Slurm | None = None
    client: _Client | None = None


class NodesResponse(msgspec.Struct):
    """An answer about nodes or jobs, or about why there are none."""

    nodes: list[RestNode | str | int | float | None] | None = None
    jobs: list[JobRecord] | None = None
    errors: list[_Error | str] | None = None
    meta: _Meta | None = None
    last_update: _Number | int | None = None

    @property
    def error_text(self) -> str:
        """The text of its errors; empty if there are none."""
        return quoted("; ".join(_error_text(error) for error in self.errors or ()))

    @property
    def lacks_database(self) -> bool:
        """Whether an error is that slurmdbd does not answer."""
        return any(_is_of_database(error) for error in self.errors or ())

    @property
    def version(self) -> str:
        """Slurm's own version, such as 24.11.5; empty where it does not say."""
        return self._slurm.release or ""

    @property
    def cluster(self) -> str:
        """Slurm's own name of the cluster; empty where it does not say."""
        return printable(self._slurm.cluster or "", 100)

    @property
    def user(self) -> str:
        """Whose request Slurm took it for; empty where it does not say."""
        return (self.meta and self.meta.client and self.meta.client.user) or ""

    @property
    def _slurm(self) -> _Slurm:
        return (self.meta and (self.meta.slurm or self.meta.old)) or _Slurm()

    @property
    def updated_s(self) -> int | None:
        """When nodes last changed (seconds since the epoch), if Slurm reports it."""
        value = self.last_update
        number = value.number if isinstance(value, _Number) and value.set else value
        return int(number) if isinstance(number, int | float) and number >= 1 else None

    def snapshot(self) -> SchedulerSnapshot:
        """Return each node.

        Raises:
            ReadError: bad_reply where there is no node.
        """
        if self.nodes is None:
            raise ReadError(
                Reason.BAD_REPLY, "the answer has no `nodes`: is url that of slurmrestd?"
            )
        listed = read_nodes(self.nodes)
        if not (listed.nodes or listed.unread):
            message = (
                "slurmrestd lists no node: Slurm's PrivateData=nodes hides them from this user"
            )
            raise ReadError(Reason.BAD_REPLY, message)
        if not listed.nodes:
            raise ReadError(Reason.BAD_REPLY, f"slurmrestd lists only {listed.note}")
        return SchedulerSnapshot(
            share(listed.nodes.items()),
            self.cluster,
            self.version,
            listed.unread,
            listed.note,
            usage=listed.usage,
        )


class _OpenApi(msgspec.Struct):
    paths: dict[str, msgspec.Raw]


_REPLY = msgspec.json.Decoder(NodesResponse)
_OPENAPI = msgspec.json.Decoder(_OpenApi)


def nodes_path(version: str) -> str:
    """Return the path of a version's nodes, such as v0.0.40."""
    return f"/slurm/{version}/nodes"


def path(nodes_path: str, template: str) -> str:
    """Return where the version that has its nodes at a path has something else.

    `template` is `/slurm/{version}/jobs`, or such a path below /slurmdb.
    """
    return template.format(version=nodes_path.strip("/").split("/")[1])


def nodes_paths(openapi: bytes) -> Sequence[str]:
    """List the paths that a slurmrestd describes, the best first: the newest that we know.

    Newer ones come last, the oldest of them first: it is nearest to what we know.

    Raises:
        ReadError: bad_reply.
    """
    try:
        paths = _OPENAPI.decode(openapi).paths
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        message = "/openapi/v3 is not what slurmrestd says there: is url that of slurmrestd?"
        raise ReadError(Reason.BAD_REPLY, message) from None
    versions = {int(found[1]): path for path in paths if (found := _NODES.match(path))}
    known = sorted((version for version in versions if OLDEST <= version <= NEWEST), reverse=True)
    newer = sorted(version for version in versions if version > NEWEST)
    if known or newer:
        return [versions[version] for version in (*known, *newer)]
    offered = ", ".join(f"v0.0.{version}" for version in sorted(versions)) or "none"
    message = f"slurmrestd offers no version from v0.0.{OLDEST} on of /nodes (it has {offered})"
    raise ReadError(Reason.BAD_REPLY, message)


def reply(body: bytes) -> NodesResponse:
    """Read an answer.

    Raises:
        ReadError: bad_reply.
    """
    try:
        return decode_json(_REPLY, body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        message = f"the answer is not as slurmrestd should spell it: {quoted(str(error), 160)}"
        raise ReadError(Reason.BAD_REPLY, message) from None


def _error_text(error: _Error | str) -> str:
    if isinstance(error, str):
        return error
    return ": ".join(word for word in (error.description, error.error) if word) or "an error"


def _is_of_database(error: _Error | str) -> bool:
    number = None if isinstance(error, str) else error.error_number
    return number == _NO_DATABASE or "slurmdb" in _error_text(error).lower()
