"""What slurmrestd answers, in the spellings of every version from v0.0.37 on.

Only what is needed is read. A state was a word with `state_flags` beside it and is a list now; a
number was plain and is wrapped in `{set, infinite, number}` now; errors were text once. A node is
read for itself: one that is not as it should be costs no other its state.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from rackwatt_exporter.printable import printable
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.fields import MAX_COUNT, MAX_NAME, MAX_NAMES
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.node_state import normalize_state
from rackwatt_exporter.schedulers.model.resources import Resources
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot, share
from rackwatt_exporter.schedulers.slurm.jobs import names, time_s
from rackwatt_exporter.schedulers.slurm.rest_jobs import RestJob, number
from rackwatt_exporter.schedulers.slurm.tres import MIB, parse_gres

OLDEST, NEWEST = 37, 45
_NO_DATABASE = 7000  # ESLURM_DB_CONNECTION
_NODES = re.compile(r"/slurm/v0\.0\.([0-9]{1,6})/nodes/?\Z")


class _Number(msgspec.Struct):
    set: bool = True
    number: int | float | None = None


class _Node(msgspec.Struct):
    name: Any = None
    state: Any = None
    state_flags: Any = None
    partitions: Any = None
    reason: Any = None
    reason_changed_at: Any = None
    cpus: Any = None
    real_memory: Any = None
    gres: Any = None
    alloc_cpus: Any = None
    alloc_memory: Any = None
    gres_used: Any = None
    active_features: Any = None


class _Error(msgspec.Struct):
    error: str | None = None
    description: str | None = None
    error_number: Any = None


class _Slurm(msgspec.Struct):
    release: str | None = None
    cluster: str | None = None


class _Meta(msgspec.Struct):
    old: _Slurm | None = msgspec.field(default=None, name="Slurm")
    slurm: _Slurm | None = None


class Reply(msgspec.Struct):
    """An answer about nodes or jobs, or about why there are none."""

    nodes: list[_Node | str | int | float | None] | None = None
    jobs: list[RestJob | str | int | float | None] | None = None
    errors: list[_Error | str] | None = None
    meta: _Meta | None = None
    last_update: _Number | int | None = None

    @property
    def error_text(self) -> str:
        """The text of its errors; empty if there are none."""
        return printable("; ".join(_error_text(error) for error in self.errors or ()))

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
        nodes, unread, ambiguous = _nodes(self.nodes)
        if not (nodes or unread or ambiguous):
            message = (
                "slurmrestd lists no node: Slurm's PrivateData=nodes hides them from this user"
            )
            raise ReadError(Reason.BAD_REPLY, message)
        notes = (
            f"{_listed(unread)} without a state that can be read" if unread else "",
            f"{_listed(ambiguous)} more than once, with different records" if ambiguous else "",
        )
        note = "; ".join(filter(None, notes))
        if not nodes:
            raise ReadError(Reason.BAD_REPLY, f"slurmrestd lists only {note}")
        count = len(unread) + len(ambiguous)
        return SchedulerSnapshot(share(nodes.items()), self.cluster, self.version, count, note)


class _OpenApi(msgspec.Struct):
    paths: dict[str, msgspec.Raw]


_REPLY = msgspec.json.Decoder(Reply)
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


def reply(body: bytes) -> Reply:
    """Read an answer.

    Raises:
        ReadError: bad_reply.
    """
    try:
        return _REPLY.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        message = f"the answer is not as slurmrestd should spell it: {printable(str(error), 160)}"
        raise ReadError(Reason.BAD_REPLY, message) from None


def _error_text(error: _Error | str) -> str:
    if isinstance(error, str):
        return error
    return ": ".join(word for word in (error.description, error.error) if word) or "an error"


def _is_of_database(error: _Error | str) -> bool:
    number = None if isinstance(error, str) else error.error_number
    return number == _NO_DATABASE or "slurmdb" in _error_text(error).lower()


class _Nodes(NamedTuple):
    """Nodes by name, the records that are none, and one record of each name with several nodes."""

    nodes: dict[str, SchedulerNode]
    unread: list[object]
    ambiguous: list[object]


def _nodes(records: Iterable[object]) -> _Nodes:
    nodes: dict[str, SchedulerNode] = {}
    unread: list[object] = []
    ambiguous: dict[str, object] = {}
    for record in records:
        named = _node(record)
        if named is None:
            unread.append(record)
            continue
        name, node = named
        if nodes.setdefault(name, node) != node:
            ambiguous[name] = record
    for name in ambiguous:
        del nodes[name]
    return _Nodes(nodes, unread, [*ambiguous.values()])


def _node(record: object) -> tuple[str, SchedulerNode] | None:
    """Return a node and its name; None where name or state is not as it should be."""
    if not isinstance(record, _Node) or not _is_name(record.name):
        return None
    base = [record.state] if isinstance(record.state, str) else record.state
    flags = [] if record.state_flags is None else record.state_flags
    if not base or not _are_words(base) or not _are_words(flags):
        return None
    return record.name, SchedulerNode(
        *normalize_state((*base, *flags)),
        partitions=_partitions(record.partitions),
        reason=record.reason if isinstance(record.reason, str) else "",
        reason_at_s=_time_s(record.reason_changed_at),
        features=_features(record.active_features),
        total=_resources(record.cpus, record.real_memory, record.gres),
        allocated=_resources(record.alloc_cpus, record.alloc_memory, record.gres_used),
    )


def _partitions(names: Any) -> tuple[str, ...]:
    """Return the partitions of a node; none where they are not as they should be."""
    whole = isinstance(names, list) and len(names) <= MAX_NAMES and all(map(_is_name, names))
    return tuple(sorted(set(names))) if whole else ()


def _features(features: Any) -> tuple[str, ...]:
    """Return features, which were one text and are a list now."""
    words = features.split(",") if isinstance(features, str) else features
    return names(words) if isinstance(words, list) and all(map(_is_name, words)) else ()


def _resources(cpus: Any, memory_mib: Any, gres: Any) -> Resources | None:
    """Return what a node has or what of it is allocated; memory is in MiB in every version."""
    if cpus is memory_mib is gres is None:
        return None
    memory = number(memory_mib)
    return Resources(
        number(cpus),
        None if memory is None or memory > MAX_COUNT // MIB else memory * MIB,
        parse_gres(gres) if isinstance(gres, str) else None,
    )


def _time_s(value: Any) -> int | None:
    """Return a time that is plain or wrapped; None where there is none."""
    seconds = number(value)
    return None if seconds is None else time_s(seconds)


def _is_name(name: object) -> bool:
    return isinstance(name, str) and 1 <= len(name) <= MAX_NAME


def _are_words(words: object) -> bool:
    return isinstance(words, list) and all(isinstance(word, str) for word in words)


def _listed(nodes: Iterable[object]) -> str:
    """Name some nodes of many."""
    names = [node.name if isinstance(node, _Node) else None for node in nodes]
    some = ", ".join(str(name)[:60] if name else "one without a name" for name in names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return printable(f"{some}{more}")
