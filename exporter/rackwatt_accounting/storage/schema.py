"""The tables, once for both databases.

Everything that is counted is an integer: seconds, millijoules, MiB. So sums are exact whatever the
order in which they are made, and a STRICT table of SQLite keeps what PostgreSQL would keep.

Texts that repeat are in `names`, and other tables have their number: a year of a large centre is
nine million units with some thousand users, accounts and directories.

What a unit used is kept by day (`unit_days`): a day is what is reported, and its units are found
through it without an index of times. `sums` are derived from it, and can be derived again.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

from rackwatt_accounting.model.phase import Phase

METADATA = MetaData()
# An INTEGER of SQLite has 64 bits, and is the only integer of a STRICT table.
_INTEGER: TypeEngine[int] = BigInteger().with_variant(Integer, "sqlite")


def _integer(name: str, *, key: bool = False, optional: bool = False) -> Column[int]:
    return Column(name, _INTEGER, primary_key=key, autoincrement=False, nullable=optional)


def _numbered() -> Column[int]:
    return Column("id", _INTEGER, primary_key=True, autoincrement=True)


def _by_key(name: str, *columns: Column[int] | Column[str]) -> Table:
    """Return a table that is kept in the order of its key, where the database has such tables."""
    return Table(name, METADATA, *columns, sqlite_strict=True, sqlite_with_rowid=False)


names = Table(
    "names",
    METADATA,
    _numbered(),
    Column("text", Text, nullable=False, unique=True),
    sqlite_strict=True,
)

# `end_s` of a unit that has not ended is when it was last seen running. `phase` is a Phase.
units = Table(
    "units",
    METADATA,
    _numbered(),
    _integer("cluster"),
    Column("job", Text, nullable=False),
    _integer("started_s"),
    _integer("restart"),
    _integer("end_s"),
    _integer("phase"),
    Column("display", Text),
    Column("name", Text, nullable=False),
    _integer("state"),
    _integer("exit_code"),
    _integer("submitted_s", optional=True),
    _integer("suspended_s"),
    _integer("user"),
    _integer("uid", optional=True),
    _integer("group"),
    _integer("account"),
    _integer("partition"),
    _integer("qos"),
    _integer("cpus"),
    _integer("nodes"),
    _integer("gpus"),
    _integer("memory_mib"),
    _integer("billing"),
    _integer("tres"),
    Column("node_list", Text),
    _integer("work_directory"),
    _integer("cpu_used_ms", optional=True),
    _integer("memory_used_mib", optional=True),
    _integer("scheduler_joules", optional=True),
    UniqueConstraint("job", "cluster", "started_s", "restart"),
    sqlite_strict=True,
)
Index("units_of_user", units.c.user, units.c.end_s)
Index("units_by_end", units.c.end_s)
Index("units_of_account", units.c.account, units.c.end_s)
_RUNNING = units.c.phase == Phase.RUNNING.value
Index("units_running", units.c.cluster, sqlite_where=_RUNNING, postgresql_where=_RUNNING)

# What a unit used on one day. Energy is None where nothing measured it; `covered_s` is how many of
# the seconds were measured, and `method` how (rackwatt_accounting.energy).
unit_days = _by_key(
    "unit_days",
    _integer("day", key=True),
    _integer("unit", key=True),
    _integer("wall_s"),
    _integer("host_mj", optional=True),
    _integer("gpu_mj", optional=True),
    _integer("covered_s"),
    _integer("method"),
)

sums = _by_key(
    "sums",
    _integer("day", key=True),
    _integer("cluster", key=True),
    _integer("user", key=True),
    _integer("account", key=True),
    _integer("partition", key=True),
    _integer("started"),
    _integer("ended"),
    _integer("wall_s"),
    _integer("cpu_s"),
    _integer("mem_mib_s"),
    _integer("gpu_s"),
    _integer("node_s"),
    _integer("billing_s"),
    _integer("host_mj"),
    _integer("gpu_mj"),
    _integer("covered_s"),
)

# Until when a source was read without a gap; and windows before that which it could not give.
cursors = _by_key(
    "cursors",
    _integer("cluster", key=True),
    Column("subject", Text, primary_key=True),
    _integer("until_s"),
)
gaps = _by_key(
    "gaps",
    _integer("cluster", key=True),
    Column("subject", Text, primary_key=True),
    _integer("from_s", key=True),
    _integer("to_s"),
    Column("reason", Text, nullable=False),
)

accounts = _by_key(
    "accounts",
    _integer("cluster", key=True),
    _integer("account", key=True),
    _integer("parent"),
    Column("description", Text, nullable=False),
)
memberships = _by_key(
    "memberships",
    _integer("cluster", key=True),
    _integer("user", key=True),
    _integer("account", key=True),
    _integer("coordinator"),
)

# Facts of the database itself, such as the time zone of its days.
settings = _by_key(
    "settings", Column("key", Text, primary_key=True), Column("value", Text, nullable=False)
)
