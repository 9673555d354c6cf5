"""Associations: what Slurm calls an account, or a user in it, of one cluster.

Limits and fair shares are those of associations. slurmdbd has those of several clusters, and hides
from a user, without a word, what its PrivateData does: a list that may be no whole list of one
cluster is none.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from rackwatt_crds.wording import counted
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.model.fields import name
from rackwatt_exporter.schedulers.slurm.subject import not_printed

ROOT = "root"
_MAX_NAMED = 3


class Association(NamedTuple):
    """Whose limits or shares these are; `user` is empty for the account itself.

    `partition` is empty for all partitions, and `parent` for a user and for the account root.
    """

    cluster: str
    account: str
    user: str
    partition: str
    parent: str

    @classmethod
    def of(cls, *words: str) -> "Association | None":
        """Return an association by the words that Slurm has for it; None where one is missing."""
        # Until slurmctld restarts, it lists a user just added with each backslash twice.
        found = cls(*(name(word.replace("\\\\", "\\")) for word in words))
        return found if found.cluster and found.account else None


T = TypeVar("T")


def rows(output: bytes, columns: int) -> Iterator[Sequence[str] | None]:
    """Go through the lines of `-P`, of so many columns; None for one that has others.

    A greeting of a login shell and the cluster's name of -M have no column.
    """
    for line in output.decode("utf-8", "replace").split("\n"):
        if "|" in line:
            row = line.split("|")
            yield row if len(row) == columns else None


def whole_list(
    read: Iterable[tuple[Association, T] | None], output: bytes, what: str
) -> tuple[Sequence[T], str]:
    """Return what was read of each association of one cluster, and a note if some were not.

    What is listed twice, with different values, cannot be read either.

    Raises:
        ReadError: bad_reply where `output` has none, several clusters, or those that one user
            may see; `what` names its command.
    """
    records = list(read)
    known = [record for record in records if record is not None]
    if not records and not output.strip():
        message = f"{what} lists no association: does Slurm use slurmdbd (AccountingStorageType)?"
        raise ReadError(Reason.BAD_REPLY, message)
    if not known:
        raise not_printed(output, what)
    _check([association for association, _ in known], what)
    values: dict[tuple[str, ...], set[T]] = {}
    for association, value in known:
        values.setdefault(association[:-1], set()).add(value)
    certain = [next(iter(of)) for of in values.values() if len(of) == 1]
    unread = len(records) - len(known) + len(values) - len(certain)
    note = f"{counted(unread, 'association')} could not be read" if unread else ""
    return certain, note


def _check(associations: Sequence[Association], what: str) -> None:
    clusters = sorted({one.cluster for one in associations})
    if len(clusters) > 1:
        some = ", ".join(clusters[:_MAX_NAMED])
        message = f"{what} lists {len(clusters)} clusters ({some}): slurm.cluster can name one"
        raise ReadError(Reason.BAD_REPLY, message)
    users = {one.user for one in associations if one.user}
    if not any(one.account == one.user == ROOT for one in associations) and len(users) < 2:
        message = f"{what} lists one user at most: PrivateData hides the others from this user"
        raise ReadError(Reason.BAD_REPLY, message)
