"""Budgets in the integers of storage, and where their notifications go.

Millijoules, seconds, milligrams and millionths of a currency are what sums are kept in, so that a
comparison rounds nothing but the limit itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from rackwatt_accounting.config.layers import CarbonConfig, TariffConfig
from rackwatt_crds.accounting import notify
from rackwatt_crds.accounting.accounting import Accounting
from rackwatt_crds.accounting.budget import Budget
from rackwatt_exporter.config.options import SecretKey, TlsOptions, merge_layers

_MILLIJOULES_PER_KILOWATT_HOUR = 3_600_000_000
_SECONDS_PER_HOUR = 3_600
_MILLIGRAMS_PER_GRAM = 1_000
_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class BudgetConfig:
    """The budget of one account or user for each calendar month; None is no limit.

    `carbon` and `tariff` name the layers that grams and money are counted by; empty where the
    budget has no such limit.
    """

    account: str | None
    user: str | None
    energy_mj: int | None
    cpu_s: int | None
    gpu_s: int | None
    emissions_mg: int | None
    money_micro: int | None
    carbon: str
    tariff: str
    mail_to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WebhookConfig:
    """Where notifications are posted: a URL, or the key of a Secret that has it."""

    url: str | None
    url_secret: SecretKey | None
    credentials: str | None
    tls: TlsOptions


@dataclass(frozen=True, slots=True)
class MailConfig:
    """A mail server; `encryption` is starttls, implicit or none."""

    host: str
    port: int
    encryption: str
    sender: str
    to: tuple[str, ...]
    credentials: str | None
    tls: TlsOptions


def budget_configs(
    budgets: Sequence[Budget] | None,
    tariffs: Sequence[TariffConfig],
    carbon: Sequence[CarbonConfig],
) -> tuple[BudgetConfig, ...]:
    """Resolve budgets; a layer that none of them names is the first."""
    return tuple(
        BudgetConfig(
            account=budget.account,
            user=budget.user,
            energy_mj=_whole(budget.month.kilowatt_hours, _MILLIJOULES_PER_KILOWATT_HOUR),
            cpu_s=_whole(budget.month.core_hours, _SECONDS_PER_HOUR),
            gpu_s=_whole(budget.month.gpu_hours, _SECONDS_PER_HOUR),
            emissions_mg=_whole(budget.month.grams, _MILLIGRAMS_PER_GRAM),
            money_micro=_whole(budget.month.money, _MICRO),
            carbon="" if budget.month.grams is None else budget.month.carbon or carbon[0].name,
            tariff="" if budget.month.money is None else budget.month.tariff or tariffs[0].name,
            mail_to=tuple(budget.mail_to or ()),
        )
        for budget in budgets or ()
    )


def webhook_config(accounting: Accounting) -> WebhookConfig | None:
    """Resolve the webhook, if there is one."""
    webhook = accounting.notify.webhook if accounting.notify else None
    if webhook is None:
        return None
    ref = webhook.url_secret_ref
    return WebhookConfig(
        url=webhook.url,
        url_secret=SecretKey(ref.name, ref.key) if ref else None,
        credentials=webhook.credentials.secret_ref.name if webhook.credentials else None,
        tls=merge_layers(TlsOptions, webhook.tls),
    )


def mail_config(accounting: Accounting) -> MailConfig | None:
    """Resolve the mail server, if there is one."""
    mail = accounting.notify.mail if accounting.notify else None
    if mail is None:
        return None
    return MailConfig(
        host=mail.host,
        port=notify.port(mail),
        encryption=mail.encryption or notify.DEFAULT_ENCRYPTION,
        sender=mail.from_,
        to=tuple(mail.to or ()),
        credentials=mail.credentials.secret_ref.name if mail.credentials else None,
        tls=merge_layers(TlsOptions, mail.tls),
    )


def _whole(amount: float | None, per_unit: int) -> int | None:
    return None if amount is None else round(Decimal(repr(amount)) * per_unit)
