"""Usage of their limits by accounts, users and QOS, as slurmctld counts it.

`scontrol show assoc_mgr` prints each limit with what is used of it in brackets, `N` for no limit.
Nothing else does: sacctmgr and slurmrestd have the limits alone. A slurmctld that enforces no limit
counts nothing and prints 0, so that its configuration is read as well. A QOS names a user by the
uid where Slurm is older than 23.11; the associations beside it have the name.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

from rackwatt_crds.wording import counted
from rackwatt_exporter.printable import printable
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.fields import MAX_COUNT, name
from rackwatt_exporter.schedulers.model.limit_usage import LimitUsage
from rackwatt_exporter.schedulers.slurm.associations import Association, whole_list
from rackwatt_exporter.schedulers.slurm.scontrol_output import pairs, parse_records
from rackwatt_exporter.schedulers.slurm.subject import (
    Form,
    Parsed,
    SlurmSubject,
    not_printed,
    of_cluster,
)
from rackwatt_exporter.schedulers.slurm.tres import MIB

EVERY_S = 60.0
_SCONTROL = "`scontrol show assoc_mgr`"
_CONFIG = "`scontrol show config`"
_ENFORCED = re.compile(rb"^AccountingStorageEnforce\s*=\s*(\S+)\s*$", re.MULTILINE)
_ENFORCE = "Set `AccountingStorageEnforce=limits` in slurm.conf, or leave `metrics.limitUsage` out."
_MAX_SHOWN = 80
_NO_ASSOCIATION = "No associations currently cached"
_NO_QOS = "No QOS currently cached"
_QOS = "QOS Records"
_LINE = re.compile(r"^\s*(QOS=.+)$", re.MULTILINE)
_NUMBER = r"[0-9]{1,20}(?:\.[0-9]{1,9})?"
_AMOUNTS = re.compile(rf"(?:[^=,()]+=(?:N|[0-9]{{1,20}})\({_NUMBER}\)(?:,|\Z))*\Z")
_AMOUNT = re.compile(rf"([^=,()]+)=([0-9]{{1,20}})\(({_NUMBER})\)")
_COUNT = re.compile(rf"(N|[0-9]{{1,20}})\(({_NUMBER})\)\Z")
_NAMED = re.compile(r"(.*)\(([0-9]{1,10})\)\Z", re.DOTALL)
_BLOCK = re.compile(r"\s*([^={}]+)=\{([^{}]*)\}")
_NO_UID = 2**32 - 2
# What is behind the name of a resource whose use is counted over time.
_RESOURCES = {
    "GrpTRES": "",
    "GrpTRESMins": "_minutes",
    "GrpTRESRunMins": "_running_minutes",
    "MaxTRESPA": "",
    "MaxTRESPU": "",
    "MaxTRESRunMinsPA": "_running_minutes",
    "MaxTRESRunMinsPU": "_running_minutes",
}
_WORDS = {"cpu": "cpus", "mem": "memory", "node": "nodes"}
_JOBS = {
    "GrpJobs": "running_jobs",
    "GrpSubmitJobs": "submitted_jobs",
    "GrpWall": "wall_minutes",
    "MaxJobsPA": "running_jobs",
    "MaxJobsPU": "running_jobs",
    "MaxSubmitJobsPA": "submitted_jobs",
    "MaxSubmitJobsPU": "submitted_jobs",
}
# Of an association these hold for each user in it, so that only a user can have used them up.
_JOBS_OF_USER = {"MaxJobs": "running_jobs", "MaxSubmitJobs": "submitted_jobs"}

_Usages = tuple[LimitUsage, ...]


def parse_text(output: bytes) -> Parsed:
    """Read what scontrol prints of the configuration, and of associations and QOS behind it.

    Raises:
        ReadError: bad_reply, also where no limit is enforced.
    """
    _check_enforced(output)
    before, heading, behind = output.decode("utf-8", "replace").partition(_QOS)
    if not heading and _NO_QOS not in before:
        raise not_printed(output, _SCONTROL)
    text = before.encode()
    records = parse_records(text, "ClusterName", _NO_ASSOCIATION, _SCONTROL)
    read = [_of_association(record) for record in records]
    of_associations, note = whole_list(read, text if records else b"", _SCONTROL)
    users = _users(records)
    of_qos = [_of_qos(line, users) for line in _LINE.findall(behind)]
    unread = of_qos.count(None)
    notes = note, f"{counted(unread, 'QOS', 'QOS')} could not be read" if unread else ""
    every = [one for usages in (*of_associations, *filter(None, of_qos)) for one in usages]
    return Parsed(_tightest(every), "; ".join(filter(None, notes)))


def _check_enforced(output: bytes) -> None:
    match = _ENFORCED.search(output)
    if match is None:
        raise not_printed(output, _CONFIG)
    enforced = match[1].decode("utf-8", "replace")
    if "limits" not in enforced.split(","):
        message = (
            f"slurmctld enforces no limit and counts no use of any: AccountingStorageEnforce is "
            f"{printable(enforced, _MAX_SHOWN)}"
        )
        raise ReadError(Reason.BAD_REPLY, message, remedy=_ENFORCE)


def _tightest(usages: Sequence[LimitUsage]) -> _Usages:
    """Return one usage for each limit: of several, that of the limit which is reached first."""
    known: dict[tuple[str, ...], LimitUsage] = {}
    for one in usages:
        other = known.get(one.key)
        if other is None or one.allowed < other.allowed:
            known[one.key] = one
    return tuple(known[key] for key in sorted(known))


def _of_association(record: Mapping[str, str]) -> tuple[Association, _Usages] | None:
    keys = ("ClusterName", "Account", "UserName", "Partition", "ParentAccount")
    if not {*keys, "GrpTRES", "GrpJobs", "MaxJobs"} <= record.keys():
        return None
    words = (_named(record[key])[0] for key in keys)
    association = Association.of(*words)
    jobs = _JOBS | (_JOBS_OF_USER if record["UserName"] else {})
    if association is None or (used := _used(record, jobs)) is None:
        return None
    _, account, user, partition, _ = association
    return association, tuple(LimitUsage(*one, account, user, partition) for one in used)


def _of_qos(line: str, users: Mapping[str, str]) -> _Usages | None:
    """Return the usages of a QOS, of each account and of each user in it."""
    head, _, blocks = line.partition(" Account Limits=")
    accounts, _, of_users = blocks.partition(" User Limits=")
    record = pairs(head.strip())
    qos = name(_named(record["QOS"])[0])
    whole = _used(record, _JOBS) if qos and "GrpTRES" in record else None
    if whole is None:
        return None
    made = [LimitUsage(*one, qos=qos) for one in whole]
    for found, account in ((accounts, True), (of_users, False)):
        for whose, values in _BLOCK.findall(found):
            named = name(whose if account else _user(whose, users))
            used = _used(pairs(values.strip()), _JOBS)
            if used is None or not named:
                return None
            whom = (named, "") if account else ("", named)
            made += [LimitUsage(*one, *whom, qos=qos) for one in used]
    return tuple(made)


def _used(
    record: Mapping[str, str], jobs: Mapping[str, str]
) -> Sequence[tuple[str, int, int]] | None:
    """Return what is limited, how much of it is used and allowed; None where one is unreadable."""
    found = []
    for key, behind in _RESOURCES.items():
        value = record.get(key, "")
        if not _AMOUNTS.match(value):
            return None
        found += [_amount(behind, *one) for one in _AMOUNT.findall(value)]
    for key, word in jobs.items():
        value = record.get(key, "")
        match = _COUNT.match(value)
        if value and match is None:
            return None
        if match is not None and match[1] != "N":
            found.append((word, int(float(match[2])), int(match[1])))
    return [one for one in found if max(one[1:]) <= MAX_COUNT]


def _amount(behind: str, resource: str, allowed: str, used: str) -> tuple[str, int, int]:
    resource = name(resource) or "unknown"
    factor = MIB if resource == "mem" and not behind else 1
    word = f"{resource}{behind}" if behind else _WORDS.get(resource, resource)
    return word, int(float(used)) * factor, int(allowed) * factor


def _named(text: str) -> tuple[str, str]:
    """Return a name and the number in brackets behind it, empty where there is none."""
    match = _NAMED.match(text)
    return (match[1], match[2]) if match else (text, "")


def _users(records: Sequence[Mapping[str, str]]) -> Mapping[str, str]:
    """Return the name of each uid that associations have one name for."""
    names: defaultdict[str, set[str]] = defaultdict(set)
    for record in records:
        user, uid = _named(record.get("UserName", ""))
        if uid and int(uid) < _NO_UID:
            names[uid].add(user)
    return {uid: next(iter(users)) for uid, users in names.items() if len(users) == 1}


def _user(whose: str, users: Mapping[str, str]) -> str:
    """Return the name of a user, which older versions print as the uid alone."""
    named, uid = _named(whose)
    return named if uid else users.get(whose, whose)


LIMIT_USAGE = SlurmSubject(
    field="limit_usage",
    option="limit_usage",
    noun="usages of limits",
    forms=(
        Form(
            of_cluster("scontrol", "-o", "show", "assoc_mgr", "flags=assoc,qos"),
            parse_text,
            of_cluster("scontrol", "show", "config"),
        ),
    ),
    every_s=EVERY_S,
)
