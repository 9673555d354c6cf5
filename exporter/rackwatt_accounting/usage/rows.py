"""Which rows an answer may have: those that the caller may see, and that the filters name.

It is a condition on any table that has cluster, user, account and partition. Names become numbers
before: a name that the database does not have matches no row.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlalchemy.ext.asyncio import AsyncConnection

from rackwatt_accounting.identity.rights import Scope
from rackwatt_accounting.storage.names import Names
from rackwatt_accounting.usage.question import Dimension


class _Visible(NamedTuple):
    """What is visible of one cluster, in numbers; no `user` is None."""

    cluster: int
    everything: bool
    user: int | None
    accounts: frozenset[int]


class Rows(NamedTuple):
    """The condition on rows, in numbers of names."""

    filters: Mapping[str, frozenset[int]]
    visible: tuple[_Visible, ...]

    def of(self, columns: Any) -> ColumnElement[bool]:
        """Return the condition on a table that has the columns of all dimensions."""
        filters = (columns[name].in_(numbers) for name, numbers in self.filters.items())
        return and_(true(), *filters, or_(false(), *self._visible(columns)))

    def _visible(self, columns: Any) -> Iterator[ColumnElement[bool]]:
        for one in self.visible:
            in_cluster = columns.cluster == one.cluster
            if one.everything:
                yield in_cluster
                continue
            if one.user is not None:
                yield and_(in_cluster, columns.user == one.user)
            if one.accounts:
                yield and_(in_cluster, columns.account.in_(one.accounts))


async def rows_of(
    connection: AsyncConnection,
    names: Names,
    scope: Scope,
    filters: Mapping[Dimension, Collection[str]],
) -> Rows:
    """Return the condition for what a caller may see, and for filters."""
    texts = {text for wanted in filters.values() for text in wanted} | set(scope.clusters)
    for one in scope.clusters.values():
        texts |= {one.user, *one.accounts}
    ids = await names.known_ids(connection, texts)
    visible = tuple(
        _Visible(
            ids[cluster],
            one.everything,
            ids.get(one.user) if one.user else None,
            frozenset(ids[account] for account in one.accounts if account and account in ids),
        )
        for cluster, one in scope.clusters.items()
        if cluster in ids
    )
    numbers = {
        dimension.value: frozenset(ids[text] for text in wanted if text in ids)
        for dimension, wanted in filters.items()
    }
    return Rows(numbers, visible)
