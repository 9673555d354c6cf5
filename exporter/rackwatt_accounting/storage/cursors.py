"""How far each source was read, and the windows before that it could not give.

A cursor belongs to one subject of one cluster, such as its units or their energy: one that fails
stays where it is, alone. A gap is a window that a cursor has passed; it is filled later.
"""

from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from rackwatt_accounting.model.window import Window
from rackwatt_accounting.storage.schema import cursors, gaps
from rackwatt_accounting.storage.upsert import insert_into


class Gap(NamedTuple):
    """A window that could not be read, and why."""

    window: Window
    reason: str


async def cursor(connection: AsyncConnection, cluster: int, subject: str) -> int | None:
    """Return until when a subject was read; None before its first reading."""
    chosen = select(cursors.c.until_s).where(
        cursors.c.cluster == cluster, cursors.c.subject == subject
    )
    found = (await connection.execute(chosen)).scalar_one_or_none()
    return None if found is None else int(found)


async def advance(connection: AsyncConnection, cluster: int, subject: str, until_s: int) -> None:
    """Move a cursor forward; it never moves back, so that an old window may be read again."""
    statement = insert_into(connection, cursors).values(
        cluster=cluster, subject=subject, until_s=until_s
    )
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=[cursors.c.cluster, cursors.c.subject],
            set_={"until_s": statement.excluded.until_s},
            where=cursors.c.until_s < statement.excluded.until_s,
        )
    )


async def add_gap(
    connection: AsyncConnection, cluster: int, subject: str, window: Window, reason: str
) -> None:
    """List a window that could not be read."""
    await fill_gaps(connection, cluster, subject, window)
    await connection.execute(
        insert_into(connection, gaps).values(
            cluster=cluster, subject=subject, from_s=window.from_s, to_s=window.to_s, reason=reason
        )
    )


async def fill_gaps(
    connection: AsyncConnection, cluster: int, subject: str, window: Window
) -> None:
    """Remove gaps that lie within a window that was read."""
    await connection.execute(
        delete(gaps).where(
            gaps.c.cluster == cluster,
            gaps.c.subject == subject,
            gaps.c.from_s >= window.from_s,
            gaps.c.to_s <= window.to_s,
        )
    )


async def open_gaps(connection: AsyncConnection, cluster: int, subject: str) -> list[Gap]:
    """Return the windows that are missing, the oldest first."""
    rows = await connection.execute(
        select(gaps.c.from_s, gaps.c.to_s, gaps.c.reason)
        .where(gaps.c.cluster == cluster, gaps.c.subject == subject)
        .order_by(gaps.c.from_s)
    )
    return [Gap(Window(row.from_s, row.to_s), row.reason) for row in rows]
