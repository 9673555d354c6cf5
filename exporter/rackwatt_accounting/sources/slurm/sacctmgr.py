"""Who belongs to what, as sacctmgr prints it: accounts, their users, and who coordinates them.

Associations are of a cluster; coordinators and descriptions are of an account, wherever it is.
"""

from collections.abc import Mapping, Sequence

from rackwatt_accounting.model.associations import Account, Associations, Membership
from rackwatt_accounting.sources.texts import clean
from rackwatt_exporter.schedulers.slurm.associations import Association, rows, whole_list

_COLUMNS = ("Cluster", "Account", "User", "Partition", "ParentName")
_OF_ACCOUNT = ("Account", "Coordinators", "Description")
_PLAIN: tuple[str, Sequence[str]] = ("", ())
_WHAT = "`sacctmgr show assoc`"


def associations_command(cluster: str | None) -> Sequence[str]:
    """Return the command that prints the associations of a cluster, None the only one there is."""
    own = (f"cluster={cluster}",) if cluster else ()
    return "sacctmgr", "show", "assoc", "-P", "-n", *own, f"format={','.join(_COLUMNS)}"


def accounts_command() -> Sequence[str]:
    """Return the command that prints descriptions and coordinators of accounts."""
    return "sacctmgr", "show", "account", "withcoord", "-P", "-n", f"format={','.join(_OF_ACCOUNT)}"


def parse_associations(associations: bytes, accounts: bytes) -> Associations:
    """Read what both commands printed.

    Raises:
        ReadError: bad_reply where it is something else, of several clusters, or what one user may
            see of it.
    """
    records = (
        None if row is None or (one := Association.of(*row)) is None else (one, one)
        for row in rows(associations, len(_COLUMNS))
    )
    known, _ = whole_list(records, associations, _WHAT)
    return make_associations(known, _accounts(accounts))


def make_associations(
    known: Sequence[Association], described: Mapping[str, tuple[str, Sequence[str]]]
) -> Associations:
    """Return accounts and memberships; `described` has text and coordinators of each account.

    A coordinator need not be a user of the account.
    """
    names = dict.fromkeys(one.account for one in known)
    users = [(one.user, one.account) for one in known if one.user]
    leaders = [(user, name) for name in names for user in described.get(name, _PLAIN)[1]]
    parents = {one.account: one.parent for one in known if not one.user}
    is_leader = dict.fromkeys(users, False) | dict.fromkeys(leaders, True)
    return Associations(
        tuple(
            Account(name, parents.get(name, ""), described.get(name, _PLAIN)[0]) for name in names
        ),
        tuple(Membership(user, account, lead) for (user, account), lead in is_leader.items()),
    )


def _accounts(output: bytes) -> Mapping[str, tuple[str, Sequence[str]]]:
    described = {}
    for line in output.decode("utf-8", "replace").split("\n"):
        name, *words = line.split("|", 2)  # a description may have one
        if len(words) == 2:
            coordinators, text = words
            described[clean(name)] = clean(text), [clean(u) for u in coordinators.split(",") if u]
    return described
