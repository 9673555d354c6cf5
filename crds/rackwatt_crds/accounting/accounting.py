"""Accounting of one scheduler: who used what, in joules, grams, money and hours."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from rackwatt_crds.accounting import identity as identities
from rackwatt_crds.accounting import notify as notifications
from rackwatt_crds.accounting.budget import Budget
from rackwatt_crds.accounting.carbon import CarbonFactor
from rackwatt_crds.accounting.identity import Identity
from rackwatt_crds.accounting.names import UserNames
from rackwatt_crds.accounting.notify import Notify
from rackwatt_crds.accounting.privacy import Privacy
from rackwatt_crds.accounting.prometheus import Prometheus
from rackwatt_crds.accounting.retention import Retention
from rackwatt_crds.accounting.storage import DEFAULT_PORT, Storage
from rackwatt_crds.accounting.tariff import Tariff
from rackwatt_crds.accounting.validity import one_at_a_time
from rackwatt_crds.endpoints import Connection, Endpoint, Url
from rackwatt_crds.fields import Duration
from rackwatt_crds.model import Model
from rackwatt_crds.pod import Pod
from rackwatt_crds.rules import min_duration, unique
from rackwatt_crds.web import Web

DEFAULT_UPDATE_INTERVAL = "15m"
DEFAULT_TIMEZONE = "UTC"

_ROLES = ("admins", "staff", "auditors")


class Accounting(Model, frozen=True, kw_only=True):
    """Usage of each job, kept for years and served to users, projects and administrators.

    `rackwatt-accounting` reads it. An exporter ignores it.
    """

    enabled: Annotated[
        bool | None,
        Meta(description="Read the scheduler's finished jobs, and serve them. Default: true."),
    ] = None
    storage: Annotated[
        Storage | None,
        Meta(
            description="The database. Without an operator it is the flag `--storage`. Default: "
            "sqlite."
        ),
    ] = None
    update_interval: Annotated[
        Duration | None,
        Meta(
            description="Time between two updates: each asks the scheduler and Prometheus for "
            "what is new. Default: 15m."
        ),
    ] = None
    timezone: Annotated[
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}\Z",
                max_length=64,
                description="A name of the IANA time zone database, such as `Europe/Berlin`.",
            ),
        ]
        | None,
        Meta(description="The time zone whose days are those of sums and months. Default: UTC."),
    ] = None
    retention: Retention | None = None
    prometheus: Annotated[
        Prometheus | None,
        Meta(
            description="The Prometheus that has the energy of jobs and nodes. Default: none: a "
            "job has the energy that the scheduler itself states, if any."
        ),
    ] = None
    admins: Annotated[
        UserNames | None,
        Meta(
            description="Users that see everything, act as others and start administrative "
            "actions. Default: none."
        ),
    ] = None
    staff: Annotated[
        UserNames | None,
        Meta(description="Users that see everything, such as user support. Default: none."),
    ] = None
    auditors: Annotated[
        UserNames | None,
        Meta(description="Users that see everything, and the audit log. Default: none."),
    ] = None
    identity: Annotated[
        Identity | None,
        Meta(description="How callers are known. Default: none: every caller is refused."),
    ] = None
    tariffs: Annotated[
        Annotated[list[Tariff], Meta(max_length=64)] | None,
        Meta(
            description="What energy and hours cost. Several of one name follow one another. "
            "Default: none."
        ),
    ] = None
    carbon: Annotated[
        Annotated[list[CarbonFactor], Meta(max_length=64)] | None,
        Meta(
            description="What a kilowatt-hour emits. Several of one name follow one another. "
            "Default: none."
        ),
    ] = None
    budgets: Annotated[
        Annotated[list[Budget], Meta(max_length=1_000)] | None,
        Meta(description="What accounts and users may use in a month. Default: none."),
    ] = None
    notify: Annotated[
        Notify | None,
        Meta(description="Where notifications of budgets go. Default: nowhere."),
    ] = None
    privacy: Privacy | None = None
    pod: Annotated[
        Pod | None,
        Meta(
            description="The pod of accounting, with the fields of a PodSpec. `spec.pod` is that "
            "of the collector. An absent field takes the operator's default."
        ),
    ] = None
    web: Annotated[
        Web | None,
        Meta(description="TLS of the pages of accounting. `spec.web` is that of the collector."),
    ] = None

    RULES = (
        min_duration("update_interval", "10s"),
        *(unique(role) for role in _ROLES),
        one_at_a_time("tariffs"),
        one_at_a_time("carbon"),
    )


def is_enabled(accounting: Accounting | None) -> bool:
    """Return whether a binding has accounting: it is given, and not switched off."""
    return accounting is not None and accounting.enabled is not False


def connections(accounting: Accounting) -> Iterator[Connection]:
    """Yield Prometheus, the database, what identifies callers, and where notifications go."""
    if accounting.prometheus is not None:
        yield Url("prometheus.url", accounting.prometheus.url)
    storage = accounting.storage
    if storage is not None and storage.postgresql is not None:
        yield Endpoint("", storage.postgresql.port or DEFAULT_PORT)
    if accounting.identity is not None:
        yield from _below("identity", identities.connections(accounting.identity))
    if accounting.notify is not None:
        yield from _below("notify", notifications.connections(accounting.notify))


def _below(path: str, connections: Iterator[Connection]) -> Iterator[Connection]:
    for connection in connections:
        yield connection._replace(field=f"{path}.{connection.field}")
