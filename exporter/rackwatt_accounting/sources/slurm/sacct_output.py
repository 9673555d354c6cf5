"""What sacct prints, made into units while it is read.

A job may have any name: `a|b`, a newline, or whole records of others. So the fields are separated
by a text that is drawn for each command: no user can have put it into a name. With `-p` it is
behind the last field too, which makes a record a number of fields, whatever is within them. The
header says where the records begin: a command that printed none has failed, whatever its exit
status, and an empty list is one only below it.

Times are Unix times (SLURM_TIME_FORMAT=%s), which no change of the clock makes ambiguous. Memory is
in the unit it is kept in (`--noconvert`): rounded to 15.62G it would be another amount.
"""

import codecs
import re
import secrets
from collections.abc import Iterator, Sequence

from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.sources.slurm.record import make_unit
from rackwatt_accounting.sources.texts import clean_column
from rackwatt_exporter.protocols.http.redaction import quoted
from rackwatt_exporter.reading import ReadError, Reason

# As make_unit takes them.
FIELDS = (
    "JobIDRaw", "JobID", "State", "ExitCode", "Submit", "Start", "End", "Suspended", "UID", "User",
    "Group", "Account", "Partition", "QOS", "NodeList", "WorkDir", "JobName", "AllocTRES",
)  # fmt: skip
_WIDTH = len(FIELDS)
_NEVER = frozenset({"Unknown", "None", "", "0"})  # a time that has not come
_NO_USER = frozenset({"", "-1", "-2"})
_DURATION = re.compile(r"(?:([0-9]+)-)?([0-9]{2}):([0-9]{2}):([0-9]{2})\Z")
_MAX_DIGITS = 12
_MAX_RECORD = 2**20  # characters
_MAX_SHOWN = 80


def new_delimiter() -> str:
    """Return what separates fields, for one command: short, and not known before."""
    return f"\x1f{secrets.token_urlsafe(3)}"


class SacctOutput:
    """The output of one command, fed in pieces; `end` says whether all of it has come."""

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._header = delimiter.join((*FIELDS, ""))
        self._rest = ""
        self._has_started = False

    def feed(self, piece: bytes) -> list[Unit]:
        """Return the units whose records are whole now; records of jobs that wait are none.

        Raises:
            ReadError: bad_reply, for a record that is not one of sacct's.
        """
        text = self._rest + self._decoder.decode(piece)
        if not self._has_started:
            _, header, after = text.partition(self._header)
            if not header:
                self._keep(text)
                return []
            self._has_started, text = True, after
        fields = text.split(self._delimiter)
        whole = (len(fields) - 1) // _WIDTH * _WIDTH
        self._keep(self._delimiter.join(fields[whole:]))
        return _units(fields[:whole])

    def end(self) -> None:
        """Check that the output is whole.

        Raises:
            ReadError: bad_reply where it has no header, or ends within a record.
        """
        rest = self._rest + self._decoder.decode(b"", final=True)
        if not self._has_started:
            shown = quoted(rest.strip(), _MAX_SHOWN) or "nothing"
            raise ReadError(Reason.BAD_REPLY, f"not what sacct prints: {shown}")
        if rest != "\n":
            raise ReadError(Reason.BAD_REPLY, "the output of sacct ends within a record")

    def _keep(self, rest: str) -> None:
        if len(rest) > _MAX_RECORD:
            raise ReadError(Reason.BAD_REPLY, "sacct prints a record without an end")
        self._rest = rest


def _units(fields: Sequence[str]) -> list[Unit]:
    """Make the units of whole records, whose fields are one behind the other."""
    try:
        columns = _columns(fields)
        return [unit for unit in map(make_unit, *columns) if unit is not None]
    except ValueError as error:
        message = f"sacct prints a record that cannot be read: {quoted(str(error), _MAX_SHOWN)}"
        raise ReadError(Reason.BAD_REPLY, message) from None


def _columns(fields: Sequence[str]) -> Iterator[Sequence[object]]:
    """Yield each field of all records, as make_unit takes it; raises ValueError."""
    ids, *columns = (fields[column::_WIDTH] for column in range(_WIDTH))
    yield [_id(text) for text in ids]
    for name, column in zip(FIELDS[1:], columns, strict=True):
        if name in ("Submit", "Start", "End"):
            yield [0 if text in _NEVER else _number(text) for text in column]
        elif name == "Suspended":
            yield [_duration_s(text) for text in column]
        elif name == "UID":
            yield [-1 if text in _NO_USER else _number(text) for text in column]
        else:
            yield clean_column(column)


def _id(text: str) -> str:
    """Return the id, before which the newline of the last record is."""
    if text[:1] != "\n" or not (text.isascii() and text[1:].isdigit()):
        raise ValueError(f"JobIDRaw {text!r}")
    return text[1:]


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise ValueError(f"{text!r} where a number is due")
    return int(text)


def _duration_s(text: str) -> int:
    if text == "00:00:00":
        return 0
    found = _DURATION.match(text)
    if found is None:
        raise ValueError(f"Suspended {text!r}")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
