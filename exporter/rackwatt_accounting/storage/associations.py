"""Accounts and memberships, as their scheduler has them now: they are replaced as a whole."""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rackwatt_accounting.model.associations import Associations
from rackwatt_accounting.storage.schema import accounts, memberships


class MemberRow(NamedTuple):
    """A membership of one user, in numbers of names."""

    cluster: int
    account: int
    is_coordinator: bool

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of its names."""
        return self.cluster, self.account


class AccountRow(NamedTuple):
    """An account, in numbers of names."""

    cluster: int
    account: int
    parent: int

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of its names."""
        return self.cluster, self.account, self.parent


def texts_in(associations: Associations) -> Iterator[str]:
    """Yield the names of accounts and users."""
    for account in associations.accounts:
        yield from (account.name, account.parent)
    for person in associations.memberships:
        yield from (person.user, person.account)


async def replace_associations(
    connection: AsyncConnection, cluster: int, associations: Associations, ids: Mapping[str, int]
) -> None:
    """Replace those of a cluster; who coordinates an account by any of two records does so."""
    for table in (accounts, memberships):
        await connection.execute(delete(table).where(table.c.cluster == cluster))
    account_rows = {
        account.name: {
            "cluster": cluster,
            "account": ids[account.name],
            "parent": ids[account.parent],
            "description": account.description,
        }
        for account in associations.accounts
    }
    member_rows = {
        (person.user, person.account): {
            "cluster": cluster,
            "user": ids[person.user],
            "account": ids[person.account],
            "coordinator": int(person.is_coordinator),
        }
        for person in sorted(associations.memberships, key=lambda one: one.is_coordinator)
    }
    if account_rows:
        await connection.execute(insert(accounts), list(account_rows.values()))
    if member_rows:
        await connection.execute(insert(memberships), list(member_rows.values()))


async def members(connection: AsyncConnection, user: int) -> list[MemberRow]:
    """Return the memberships of a user, of all clusters."""
    rows = await connection.execute(
        select(memberships.c.cluster, memberships.c.account, memberships.c.coordinator).where(
            memberships.c.user == user
        )
    )
    return [MemberRow(row.cluster, row.account, bool(row.coordinator)) for row in rows]


async def accounts_of(connection: AsyncConnection, clusters: Collection[int]) -> list[AccountRow]:
    """Return all accounts of clusters."""
    rows = await connection.execute(
        select(accounts.c.cluster, accounts.c.account, accounts.c.parent).where(
            accounts.c.cluster.in_(clusters)
        )
    )
    return [AccountRow(*row) for row in rows]
