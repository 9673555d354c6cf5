"""Licences as `scontrol show lic` prints them, in JSON or text, and as slurmrestd answers them."""

from collections.abc import Mapping
from typing import Any

from rackwatt_exporter.schedulers.model.fields import name
from rackwatt_exporter.schedulers.model.license import License
from rackwatt_exporter.schedulers.slurm.rest_json import json_count
from rackwatt_exporter.schedulers.slurm.scontrol_output import count, parse_records, word
from rackwatt_exporter.schedulers.slurm.subject import (
    Form,
    JsonArray,
    Parsed,
    SlurmSubject,
    listed,
    of_cluster,
)

_WHAT = "`scontrol show lic`"
_NOUN = "licence"
_NONE = "No licenses configured in Slurm"
_ARRAY = JsonArray("licenses")


def parse_json(output: bytes, *, what: str = _WHAT) -> Parsed:
    """Read the answer in JSON, of any version.

    Raises:
        ReadError: bad_reply.
    """
    return listed(_ARRAY.records(output, what), _of_json, _NOUN)


def parse_text(output: bytes) -> Parsed:
    """Read what scontrol prints.

    Raises:
        ReadError: bad_reply.
    """
    return listed(parse_records(output, "LicenseName", _NONE, _WHAT), _of_text, _NOUN)


def _of_json(record: Mapping[str, Any]) -> License | None:
    named = record.get("LicenseName")
    numbers = {key: json_count(value) for key, value in record.items()}
    remote = record.get("Remote") is True
    nodes = nodes if isinstance(nodes := record.get("Nodes"), str) else ""
    return _license(named, numbers, nodes, remote=remote) if isinstance(named, str) else None


def _of_text(record: Mapping[str, str]) -> License | None:
    numbers = {key: count(value) for key, value in record.items()}
    nodes, remote = word(record.get("Nodes")), record.get("Remote") == "yes"
    return _license(record["LicenseName"], numbers, nodes, remote=remote)


def _license(
    named: str, numbers: Mapping[str, int | None], nodes: str, *, remote: bool
) -> License | None:
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
        nodes=name(nodes),
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
