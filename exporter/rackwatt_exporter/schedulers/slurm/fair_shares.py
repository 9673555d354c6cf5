"""Fair shares of associations, as `sshare` prints them and slurmrestd answers.

slurmctld computes them once in PriorityCalcPeriod, five minutes by default. Until then, and where
priorities count no shares (PriorityType), it prints zeros that mean nothing: NormUsage is missing
beside them. Of an account FairShare is missing, but for PriorityFlags=NO_FAIR_TREE; slurmrestd
answers 0.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from rackwatt_exporter.schedulers.model.fair_share import FairShare, Level
from rackwatt_exporter.schedulers.model.fields import MAX_COUNT
from rackwatt_exporter.schedulers.slurm.associations import ROOT, Association, rows, whole_list
from rackwatt_exporter.schedulers.slurm.rest_json import json_count, text
from rackwatt_exporter.schedulers.slurm.scontrol_output import count
from rackwatt_exporter.schedulers.slurm.subject import (
    Form,
    JsonReply,
    Parsed,
    SlurmSubject,
    decode,
    not_printed,
    of_cluster,
)

EVERY_S = 300.0
_COLUMNS = (
    "Cluster",
    "Account",
    "User",
    "Partition",
    "RawShares",
    "NormShares",
    "RawUsage",
    "NormUsage",
    "EffectvUsage",
    "FairShare",
    "LevelFS",
)
_SSHARE = "`sshare -a`"
_REST = "/shares"
_PARENT = "parent"
_USE_PARENT = 2**31 - 1  # the shares of an account that has those of its parent
_NO_VAL = 2.0**32 - 2
_INFINITY = 2.0**64  # what Slurm 26.05 answers for it
_UNKNOWN = frozenset({"", "nan", "-nan"})
_NUMBER = re.compile(r"(?:[0-9]{1,40}(?:\.[0-9]{1,40})?(?:e[+-]?[0-9]{1,3})?|inf)\Z")

_Read = tuple[Association, FairShare] | None


class _Numbers(NamedTuple):
    """What Slurm reports of an association beside its shares, in the order of sshare."""

    shares_ratio: float | None
    usage_s: float | None
    usage_of_cluster: float | None
    usage_ratio: float | None
    factor: float | None
    level: float | None


class _Shares(msgspec.Struct):
    shares: list[dict[str, Any] | str | int | float | None] | None = None


class _Reply(JsonReply):
    shares: _Shares | None = None


_DECODER = msgspec.json.Decoder(_Reply)


def parse_text(output: bytes) -> Parsed:
    """Read what sshare prints.

    Raises:
        ReadError: bad_reply.
    """
    return _shares(_of_rows(rows(output, len(_COLUMNS))), output, _SSHARE)


def parse_json(output: bytes, *, what: str = _REST) -> Parsed:
    """Read what slurmrestd answers, of any version.

    Raises:
        ReadError: bad_reply.
    """
    reply = decode(_DECODER, output, what)
    records = None if reply.shares is None else reply.shares.shares
    if records is None:
        raise not_printed(output, what)
    read = (_of_json(one) if isinstance(one, dict) else None for one in records)
    return _shares(read, output if records else b"", what)


def _shares(read: Iterable[_Read], output: bytes, what: str) -> Parsed:
    shares, note = whole_list(read, output, what)
    return Parsed(tuple(shares), note)


def _of_rows(lines: Iterable[Sequence[str] | None]) -> Iterator[_Read]:
    """Go through the rows, whose accounts are indented below the account that they belong to."""
    above: dict[int, str] = {}
    for row in lines:
        if row is None:
            above = {}  # it may have been an account, of any depth
            yield None
            continue
        cluster, account, user, partition, shares, *numbers = row
        depth = len(account) - len(account.lstrip(" "))
        parent = ""
        if not user:
            above = {at: one for at, one in above.items() if at < depth}
            parent = above.get(depth - 1, "")
            above[depth] = account.strip(" ")
        association = Association.of(cluster, account.strip(" "), user, partition, parent)
        yield _of_row(association, shares, numbers)


def _of_row(association: Association | None, shares: str, numbers: Sequence[str]) -> _Read:
    own = "" if shares == _PARENT else shares
    wrong = [word for word in numbers if word not in _UNKNOWN and not _NUMBER.match(word)]
    if association is None or wrong or (own and count(own) is None):
        return None
    known = (None if word in _UNKNOWN else float(word) for word in numbers)
    return association, _share(association, count(own), _Numbers(*known))


def _of_json(record: Mapping[str, Any]) -> _Read:
    of_user = "USER" in record["type"] if isinstance(record.get("type"), list) else None
    named, parent = text(record.get("name")), text(record.get("parent"))
    fair = record.get("fairshare")
    if of_user is None or not isinstance(fair, dict):
        return None
    account, user, above = (parent, named, "") if of_user else (named, "", parent)
    cluster, partition = text(record.get("cluster")), text(record.get("partition"))
    association = Association.of(cluster, account, user, partition, above)
    shares = json_count(record.get("shares"))
    keys = ("shares_normalized", "usage", "usage_normalized", "effective_usage")
    values = (*(record.get(key) for key in keys), fair.get("factor"), fair.get("level"))
    numbers = _Numbers(*map(_json_number, values))
    if shares and numbers.factor == 0:  # it was not computed
        numbers = numbers._replace(factor=None)
    own = None if shares == _USE_PARENT else shares
    return (association, _share(association, own, numbers)) if association else None


def _json_number(value: Any) -> float | None:
    """Return a number, plain or wrapped; None where it is none or not set."""
    if isinstance(value, dict):
        if value.get("infinite") is True:
            return math.inf
        value = value.get("number") if value.get("set") is True else None
    if not isinstance(value, int | float) or isinstance(value, bool) or value == _NO_VAL:
        return None
    return math.inf if value >= _INFINITY else float(value)


def _share(association: Association, shares: int | None, numbers: _Numbers) -> FairShare:
    """Make the record of an association; the cluster's root has no siblings to share with."""
    _, account, user, partition, parent = association
    root = account == ROOT and not user
    computed = numbers.usage_of_cluster is not None
    return FairShare(
        account, user, partition, parent, shares,
        None if root else _bounded(numbers.shares_ratio),
        _bounded(numbers.usage_s),
        _bounded(numbers.usage_ratio) if computed else None,
        _bounded(numbers.factor) if computed else None,
        _level(numbers.level, shares) if computed else None,
    )  # fmt: skip


def _level(level: float | None, shares: int | None) -> Level | None:
    """Return a level; 0 of who has shares was not computed (NO_FAIR_TREE)."""
    if level == math.inf:
        return "inf"
    return None if level == 0 and shares else _bounded(level)


def _bounded(number: float | None) -> float | None:
    return number if number is not None and 0 <= number <= MAX_COUNT else None


FAIR_SHARES = SlurmSubject(
    field="fairshare",
    option="fairshare",
    noun="fair shares",
    forms=(Form(of_cluster("sshare", "-a", "-P", "-n", "-o", ",".join(_COLUMNS)), parse_text),),
    path="/slurm/{version}/shares",
    parse_reply=parse_json,
    every_s=EVERY_S,
)
