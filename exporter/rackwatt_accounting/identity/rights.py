"""What a caller may see: a pure function of names, memberships and lists, called at each request.

Roles are those of one cluster, as its document lists them:

* a user sees the rows of their own units;
* a project lead, whom the scheduler has as coordinator of an account, sees those of the account and
  of the accounts below it;
* staff and auditors see all rows; an auditor changes nothing;
* an administrator sees all rows, changes things, and may act in the place of a user.

Members see each other's rows only where the document says so. A caller that acts for a user sees
what that user sees, in the clusters whose administrator the caller is, and changes nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Protocol

import msgspec

from rackwatt_accounting.identity.caller import Caller
from rackwatt_accounting.model.associations import Account, Associations


class Role(StrEnum):
    """The most that a user is in a cluster, apart from the accounts that they lead."""

    USER = "user"
    AUDITOR = "auditor"
    STAFF = "staff"
    ADMIN = "admin"


class Rules(msgspec.Struct, frozen=True):
    """Who is what in one cluster. With `shares_rows`, members of an account see all of its rows."""

    admins: frozenset[str] = frozenset()
    staff: frozenset[str] = frozenset()
    auditors: frozenset[str] = frozenset()
    shares_rows: bool = False

    def role(self, name: str) -> Role:
        """Return the role of a name: the greatest where it is in several lists."""
        if name in self.admins:
            return Role.ADMIN
        if name in self.staff:
            return Role.STAFF
        return Role.AUDITOR if name in self.auditors else Role.USER


class ClusterScope(msgspec.Struct, frozen=True):
    """What a caller sees of one cluster.

    With `everything` all rows; otherwise those of `user`, and all of `accounts`. `memberships` are
    the accounts whose name and sums the caller may know of. `may_change` allows what is not
    reading.
    """

    user: str
    everything: bool = False
    accounts: frozenset[str] = frozenset()
    memberships: frozenset[str] = frozenset()
    may_change: bool = False

    def sees(self, user: str, account: str) -> bool:
        """Whether a row of this user and account is among those."""
        own = bool(user) and user == self.user
        return self.everything or own or (bool(account) and account in self.accounts)


class Scope(msgspec.Struct, frozen=True):
    """What a caller sees, by cluster; nothing of a cluster that is not here."""

    clusters: Mapping[str, ClusterScope]

    def sees(self, cluster: str, user: str, account: str) -> bool:
        """Whether a row of a cluster, user and account may be shown."""
        found = self.clusters.get(cluster)
        return found is not None and found.sees(user, account)

    def sees_all(self, cluster: str) -> bool:
        """Whether all rows of a cluster may be shown."""
        found = self.clusters.get(cluster)
        return found is not None and found.everything


class Memberships(Protocol):
    """Where associations are read at each request: rights that were taken away are gone."""

    async def associations(self, user: str) -> Mapping[str, Associations]:
        """Return, by cluster, the memberships of a user, and the accounts of the cluster."""
        ...


def is_admin(name: str, rules: Mapping[str, Rules]) -> bool:
    """Whether a name is an administrator of any cluster."""
    return any(one.role(name) is Role.ADMIN for one in rules.values())


def scope_of(
    caller: Caller, associations: Mapping[str, Associations], rules: Mapping[str, Rules]
) -> Scope:
    """Return what a caller may see, of the clusters that have rules.

    `associations` are those of the user as whom the caller sees.
    """
    own = {name: rule.role(caller.name) for name, rule in rules.items()}
    allowed = [name for name in rules if caller.acting_for is None or own[name] is Role.ADMIN]
    user = caller.seen_as
    return Scope(
        {
            name: _scope(
                user,
                rules[name],
                associations.get(name, Associations()),
                is_reading=caller.acting_for is not None,
            )
            for name in allowed
        }
    )


def _scope(user: str, rules: Rules, found: Associations, is_reading: bool) -> ClusterScope:
    role = rules.role(user)
    mine = [one for one in found.memberships if one.user == user]
    member_of = frozenset(one.account for one in mine)
    led = below((one.account for one in mine if one.is_coordinator), found.accounts)
    return ClusterScope(
        user=user,
        everything=role is not Role.USER,
        accounts=led | member_of if rules.shares_rows else led,
        memberships=member_of | led,
        may_change=role in (Role.ADMIN, Role.STAFF) and not is_reading,
    )


def below(names: Iterable[str], accounts: Collection[Account]) -> frozenset[str]:
    """Return accounts with all accounts below them; a circle of parents ends."""
    children: dict[str, list[str]] = {}
    for account in accounts:
        children.setdefault(account.parent, []).append(account.name)
    found: set[str] = set()
    waiting = [name for name in names if name]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += children.get(name, ())
    return frozenset(found)
