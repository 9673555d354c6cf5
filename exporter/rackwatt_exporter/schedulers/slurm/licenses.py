"""Licences as `scontrol show lic` prints them, in JSON or text, and as slurmrestd answers them."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from rackwatt_crds.wording import counted
from rackwatt_exporter.schedulers.model.fields import name
from rackwatt_exporter.schedulers.model.license import License
from rackwatt_exporter.schedulers.slurm.scontrol_output import count, parse_records
from rackwatt_exporter.schedulers.slurm.subject import (
    Form,
    JsonReply,
    Parsed,
    SlurmSubject,
    decode,
    json_count,
    not_printed,
    of_cluster,
)

_WHAT = "`scontrol show lic`"
_NONE = "No licenses configured in Slurm"


class _Reply(JsonReply):
    licenses: list[dict[str, Any] | str | int | float | None] | None = None


_DECODER = msgspec.json.Decoder(_Reply)


def parse_json(output: bytes) -> Parsed:
    """Read the answer in JSON, of any version.

    Raises:
        ReadError: bad_reply.
    """
    reply = decode(_DECODER, output, _WHAT)
    if reply.licenses is None:
        raise not_printed(output, _WHAT)
    return _licenses(_of_json(one) if isinstance(one, dict) else None for one in reply.licenses)


def parse_text(output: bytes) -> Parsed:
    """Read what scontrol prints.

    Raises:
        ReadError: bad_reply.
    """
    return _licenses(map(_of_text, parse_records(output, "LicenseName", _NONE, _WHAT)))


def _licenses(read: Iterable[License | None]) -> Parsed:
    """Return the licences, and how many could not be read."""
    licenses = list(read)
    known = tuple(one for one in licenses if one is not None)
    unread = len(licenses) - len(known)
    return Parsed(known, f"{counted(unread, 'licence')} could not be read" if unread else "")


def _of_json(record: Mapping[str, Any]) -> License | None:
    named = record.get("LicenseName")
    numbers = {key: json_count(value) for key, value in record.items()}
    remote = record.get("Remote") is True
    return _license(named, numbers, remote) if isinstance(named, str) else None


def _of_text(record: Mapping[str, str]) -> License | None:
    numbers = {key: count(value) for key, value in record.items()}
    return _license(record["LicenseName"], numbers, record.get("Remote") == "yes")


def _license(named: str, numbers: Mapping[str, int | None], remote: bool) -> License | None:
    if not name(named):
        return None
    return License(
        name(named),
        total=numbers.get("Total"),
        used=numbers.get("Used"),
        free=numbers.get("Free"),
        reserved=numbers.get("Reserved"),
        remote=remote,
        # Text has these of remote licences alone, JSON has them of all, as 0.
        last_consumed=numbers.get("LastConsumed") if remote else None,
        last_deficit=numbers.get("LastDeficit") if remote else None,
    )


LICENSES = SlurmSubject(
    field="licenses",
    option="licenses",
    noun="licences",
    forms=(
        Form(of_cluster("scontrol", "show", "lic", "--json"), parse_json),
        Form(of_cluster("scontrol", "-o", "show", "lic"), parse_text),
    ),
    path="/slurm/{version}/licenses",
    parse_reply=parse_json,
)
