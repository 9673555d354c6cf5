"""Resolved accounting of one SchedulerBinding: its scheduler and its `spec.accounting`."""

from dataclasses import dataclass, field

from rackwatt_accounting.config.budgets import (
    BudgetConfig,
    MailConfig,
    WebhookConfig,
    budget_configs,
    mail_config,
    webhook_config,
)
from rackwatt_accounting.config.layers import (
    CarbonConfig,
    TariffConfig,
    carbon_configs,
    tariff_configs,
)
from rackwatt_crds.accounting.accounting import (
    DEFAULT_TIMEZONE,
    DEFAULT_UPDATE_INTERVAL,
    Accounting,
)
from rackwatt_crds.accounting.identity import Identity
from rackwatt_crds.accounting.prometheus import Prometheus
from rackwatt_crds.accounting.retention import DEFAULT_DAILY, DEFAULT_UNITS, Retention, days
from rackwatt_crds.document import SchedulerBinding
from rackwatt_crds.duration import seconds
from rackwatt_exporter.config.options import TlsOptions, merge_layers
from rackwatt_exporter.config.scheduler import SchedulerConfig, scheduler_config


@dataclass(frozen=True, slots=True)
class PrometheusConfig:
    """A Prometheus; `credentials` names a Secret."""

    url: str
    credentials: str | None = None
    tls: TlsOptions = field(default_factory=TlsOptions)


@dataclass(frozen=True, slots=True)
class RightsConfig:
    """Who sees more than their own rows, and whether members of an account see one another's."""

    admins: frozenset[str] = frozenset()
    staff: frozenset[str] = frozenset()
    auditors: frozenset[str] = frozenset()
    members_see_all: bool = False


@dataclass(frozen=True, slots=True)
class RetentionConfig:
    """For how many days the records of units and the sums of days are kept."""

    units_days: int = days(DEFAULT_UNITS)
    daily_days: int = days(DEFAULT_DAILY)


@dataclass(frozen=True, slots=True)
class SharedConfig:
    """What all bindings of one process have in common: one database, and one door to it."""

    zone: str = DEFAULT_TIMEZONE
    retention: RetentionConfig = RetentionConfig()
    rights: RightsConfig = RightsConfig()
    identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class AccountingConfig:
    """The accounting of one scheduler.

    `identity` of `shared` is that of the document, whose fields have no defaults to resolve.
    """

    scheduler: SchedulerConfig
    shared: SharedConfig = SharedConfig()
    update_interval_s: float = seconds(DEFAULT_UPDATE_INTERVAL)
    prometheus: PrometheusConfig | None = None
    tariffs: tuple[TariffConfig, ...] = ()
    carbon: tuple[CarbonConfig, ...] = ()
    budgets: tuple[BudgetConfig, ...] = ()
    webhook: WebhookConfig | None = None
    mail: MailConfig | None = None

    @property
    def name(self) -> str:
        """The name of the SchedulerBinding."""
        return self.scheduler.name

    @property
    def cluster(self) -> str:
        """The cluster, by which rows are kept."""
        return self.scheduler.cluster


def accounting_config(document: SchedulerBinding, accounting: Accounting) -> AccountingConfig:
    """Resolve the accounting of a SchedulerBinding.

    Raises:
        ValueError: a URL, a day, a time zone or a budget is invalid; the message has the path.
    """
    tariffs, carbon = tariff_configs(accounting.tariffs), carbon_configs(accounting.carbon)
    interval = accounting.update_interval or DEFAULT_UPDATE_INTERVAL
    return AccountingConfig(
        scheduler=scheduler_config(document),
        shared=_shared(accounting),
        update_interval_s=seconds(interval),
        prometheus=_prometheus(accounting.prometheus),
        tariffs=tariffs,
        carbon=carbon,
        budgets=budget_configs(accounting.budgets, tariffs, carbon),
        webhook=webhook_config(accounting),
        mail=mail_config(accounting),
    )


def _shared(accounting: Accounting) -> SharedConfig:
    privacy, retention = accounting.privacy, accounting.retention or Retention()
    return SharedConfig(
        zone=accounting.timezone or DEFAULT_TIMEZONE,
        retention=RetentionConfig(
            days(retention.units or DEFAULT_UNITS), days(retention.daily or DEFAULT_DAILY)
        ),
        rights=RightsConfig(
            admins=frozenset(accounting.admins or ()),
            staff=frozenset(accounting.staff or ()),
            auditors=frozenset(accounting.auditors or ()),
            members_see_all=privacy is not None and privacy.members == "all",
        ),
        identity=accounting.identity,
    )


def _prometheus(prometheus: Prometheus | None) -> PrometheusConfig | None:
    if prometheus is None:
        return None
    credentials = prometheus.credentials
    return PrometheusConfig(
        url=prometheus.url,
        credentials=credentials.secret_ref.name if credentials else None,
        tls=merge_layers(TlsOptions, prometheus.tls),
    )
