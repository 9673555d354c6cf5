"""Where records and sums are kept: SQLite in a volume, or PostgreSQL.

The kind is not immutable: `rackwatt-accounting migrate` copies one into the other, and the volume
of SQLite is kept until a person deletes it.
"""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.fields import Name, Port, SecretRef
from rackwatt_crds.model import Model
from rackwatt_crds.rules import Rule, exactly_one, immutable

DEFAULT_SIZE = "10Gi"
DEFAULT_PORT = 5432

_Size = Annotated[
    str,
    Meta(
        # Of resource.Quantity, what people write for disks; CEL compares it without an error.
        pattern=r"^[1-9][0-9]{0,11}([KMGTPE]i|[kMGTPE])?\Z",
        max_length=16,
        description="A quantity of bytes such as `10Gi`.",
    ),
]


class Sqlite(Model, frozen=True, kw_only=True):
    """SQLite in a PersistentVolumeClaim, which outlives the SchedulerBinding."""

    size: Annotated[
        _Size | None,
        Meta(
            description="Size of the volume. A million jobs take about 300 MB. It may grow where "
            "the StorageClass allows it. Default: 10Gi."
        ),
    ] = None
    storage_class_name: Annotated[
        Name | None, Meta(description="The StorageClass. Default: that of the cluster.")
    ] = None

    RULES = (
        Rule(
            "size must not shrink: Kubernetes only expands volumes",
            "!(has(self.size) && has(oldSelf.size)) || "
            "!quantity(self.size).isLessThan(quantity(oldSelf.size))",
            lambda _: None,
            at="size",
        ),
        immutable(
            "storageClassName is immutable: a volume keeps the StorageClass that made it",
            "(has(self.storageClassName) ? self.storageClassName : '')",
            at="storageClassName",
        ),
    )


class Postgresql(Model, frozen=True, kw_only=True):
    """A PostgreSQL database."""

    secret_ref: Annotated[
        SecretRef,
        Meta(
            description="A Secret whose `uri` is `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`, "
            "as operators of PostgreSQL write it."
        ),
    ]
    port: Annotated[
        Port | None,
        Meta(
            description="The port of that URI, which the operator's NetworkPolicy allows: the "
            "operator does not read Secrets. Default: 5432."
        ),
    ] = None

    CONFIDENTIAL = True


class Storage(Model, frozen=True, kw_only=True):
    """Exactly one database. Without an operator it is the flag `--storage`."""

    sqlite: Sqlite | None = None
    postgresql: Postgresql | None = None

    RULES = (exactly_one("sqlite", "postgresql"),)
