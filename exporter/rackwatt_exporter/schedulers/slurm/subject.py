"""A subject: what Slurm reports beside nodes and jobs, read where a document wants it.

Licences, reservations, partitions, diagnostics of slurmctld, limits and shares differ in their
command and in their path of slurmrestd. All else is the same for each: see subjects.py.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import msgspec

from rackwatt_crds.wording import counted
from rackwatt_exporter.protocols.http.redaction import quoted
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.slurm.rest_json import decode_json

_OBJECT = re.compile(rb"^\{.*\}", re.DOTALL | re.MULTILINE)
_MAX_SHOWN = 80


class Parsed(NamedTuple):
    """What an answer says of a subject, None where it is not known, and a note of the rest."""

    value: object | None = None
    note: str = ""


class Keyed(Protocol):
    """A record of the model, of which there is one for each key."""

    @property
    def key(self) -> tuple[str, ...]:
        """What distinguishes it from the others."""
        ...


def listed(
    records: Iterable[object], make: Callable[[Mapping[str, Any]], Keyed | None], noun: str
) -> Parsed:
    """Return what is made of the records, by their keys, and how many could not be read.

    `make` returns None where a record is not as it should be. Of several with one key the first
    counts.
    """
    known: dict[tuple[str, ...], Keyed] = {}
    unread = 0
    for record in records:
        made = make(record) if isinstance(record, Mapping) else None
        if made is None or known.setdefault(made.key, made) != made:
            unread += 1
    return Parsed(tuple(known[key] for key in sorted(known)), unread_note(unread, noun))


def unread_note(unread: int, noun: str) -> str:
    """Return how many records could not be read; empty where all could."""
    return f"{counted(unread, noun)} could not be read" if unread else ""


class Form(NamedTuple):
    """One way to print a subject: the command, given the cluster, and what parses its output.

    `parse` raises ReadError where the output is not that of the command. The output of `before`,
    where there is one, is put before it.
    """

    command: Callable[[str | None], Sequence[str]]
    parse: Callable[[bytes], Parsed]
    before: Callable[[str | None], Sequence[str]] | None = None


class ReplyParser(Protocol):
    """What parses an answer of slurmrestd; `what` is its path, for messages."""

    def __call__(self, output: bytes, *, what: str) -> Parsed:
        """Parse it.

        Raises:
            ReadError: bad_reply.
        """
        ...


class SlurmSubject(NamedTuple):
    """One subject, of the name that its field of SchedulerSnapshot has.

    `option` is the field of spec.metrics that asks for it, `noun` its name in a note. `forms` are
    in order: where one cannot be had, as JSON of an old Slurm, the next is printed. `path` is that
    of slurmrestd, for `{version}` such as v0.0.40, and `parse_reply` reads what it answers: None
    where slurmrestd does not report it.
    `by_cluster` is whether that has several clusters, so that the request names one.
    `every_s` is how often it is read, 0 at each poll. `doubt` says why a value cannot be true
    beside the nodes of the same poll; empty where it can.
    """

    field: str
    option: str
    noun: str
    forms: tuple[Form, ...]
    path: str = ""
    parse_reply: ReplyParser | None = None
    every_s: float = 0.0
    by_cluster: bool = False
    doubt: Callable[[Any, SchedulerSnapshot], str] | None = None


def of_cluster(program: str, *arguments: str) -> Callable[[str | None], Sequence[str]]:
    """Return the command that is given the cluster as -M."""

    def command(cluster: str | None) -> Sequence[str]:
        return program, *(("-M", cluster) if cluster else ()), *arguments

    return command


class JsonReply(msgspec.Struct):
    """What each answer in JSON has, of a command or of slurmrestd."""

    errors: list[Mapping[str, Any] | str] | None = None


R = TypeVar("R", bound=JsonReply)


def decode(decoder: "msgspec.json.Decoder[R]", output: bytes, what: str) -> R:
    """Decode the JSON object in an output, around which a login shell may print.

    Raises:
        ReadError: bad_reply, where there is none, or where it says that it is an error.
    """
    match = _OBJECT.search(output)
    if match is None:
        raise not_printed(output, what)
    try:
        reply = decode_json(decoder, match[0])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        message = f"{what}: not as Slurm should spell it: {quoted(str(error), 160)}"
        raise ReadError(Reason.BAD_REPLY, message) from None
    if reply.errors:
        raise ReadError(Reason.BAD_REPLY, f"{what}: {quoted(str(reply.errors[0]), 160)}")
    return reply


class JsonArray:
    """What decodes an answer whose records are in one array of that name."""

    def __init__(self, name: str) -> None:
        self._name = name
        fields = [(name, list[Any] | None, None)]
        reply = msgspec.defstruct("_Reply", fields, bases=(JsonReply,))
        self._decoder: msgspec.json.Decoder[JsonReply] = msgspec.json.Decoder(reply)

    def records(self, output: bytes, what: str) -> Sequence[Any]:
        """Return the records, of any version; `what` is the command or the path, for messages.

        Raises:
            ReadError: bad_reply.
        """
        records: Sequence[Any] | None = getattr(decode(self._decoder, output, what), self._name)
        if records is None:
            raise not_printed(output, what)
        return records


def not_printed(output: bytes, what: str) -> ReadError:
    """Return the error of an output that is not that of a command, or of a path of slurmrestd."""
    shown = quoted(output.strip(), _MAX_SHOWN) or "nothing"
    return ReadError(Reason.BAD_REPLY, f"not what Slurm reports by {what}: {shown}")
