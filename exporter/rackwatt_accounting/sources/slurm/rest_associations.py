"""Who belongs to what, as slurmdbd's REST interface answers it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rackwatt_accounting.model.associations import Associations
from rackwatt_accounting.sources.slurm.sacctmgr import make_associations
from rackwatt_accounting.sources.texts import clean
from rackwatt_exporter.schedulers.slurm.associations import Association, whole_list
from rackwatt_exporter.schedulers.slurm.rest_json import text
from rackwatt_exporter.schedulers.slurm.subject import JsonArray

_ASSOCIATIONS, _ACCOUNTS = JsonArray("associations"), JsonArray("accounts")
_WHAT = "/slurmdb/associations"
_KEYS = ("cluster", "account", "user", "partition", "parent_account")


def parse_associations(associations: bytes, accounts: bytes, cluster: str) -> Associations:
    """Read both answers; the first may have other clusters too.

    Raises:
        ReadError: bad_reply where it is something else, or what one user may see of it.
    """
    records = _ASSOCIATIONS.records(associations, _WHAT)
    known, _ = whole_list(_read(records, cluster), associations if records else b"", _WHAT)
    return make_associations(known, _described(_ACCOUNTS.records(accounts, "/slurmdb/accounts")))


def _read(records: Sequence[Any], cluster: str) -> Iterator[tuple[Association, Association] | None]:
    for record in records:
        if not isinstance(record, dict):
            yield None
        elif record.get("cluster") == cluster:
            one = Association.of(*(text(record.get(key)) for key in _KEYS))
            yield (one, one) if one else None


def _described(records: Sequence[Any]) -> Mapping[str, tuple[str, Sequence[str]]]:
    return {
        clean(text(record.get("name"))): (
            clean(text(record.get("description"))),
            [
                clean(text(leader.get("name")))
                for leader in record.get("coordinators") or ()
                if isinstance(leader, dict)
            ],
        )
        for record in records
        if isinstance(record, dict)
    }
