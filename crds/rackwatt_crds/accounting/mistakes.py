"""Mistakes of accounting that its models do not see: each with its path and reason."""

from collections.abc import Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from rackwatt_crds.accounting.accounting import Accounting
from rackwatt_crds.accounting.budget import Budget, MonthlyBudget
from rackwatt_crds.accounting.identity import problems
from rackwatt_crds.accounting.validity import day_problems
from rackwatt_crds.quoting import shown
from rackwatt_crds.unread import UNREAD
from rackwatt_crds.wording import did_you_mean

Mistake = tuple[str, str]


def mistakes(accounting: Accounting) -> Iterator[Mistake]:
    """Yield the mistakes of accounting, each with its path below it; any field may be unread."""
    yield from _zone(accounting.timezone)
    for field in ("tariffs", "carbon"):
        for path, reason in day_problems(_read(getattr(accounting, field))):
            yield f"{field}{path}", reason
    yield from _zones_of_carbon(accounting)
    yield from _budgets(accounting)
    if accounting.identity is not None:
        for path, reason in problems(accounting.identity):
            yield f"identity.{path}", reason


def _zone(name: str | None) -> Iterator[Mistake]:
    """Look a time zone up, where this machine has any: an image without them cannot judge."""
    if name is None or name is UNREAD:
        return
    try:
        ZoneInfo(name)
    except (LookupError, OSError, ValueError):
        if known := sorted(available_timezones()):
            advice = did_you_mean(name, known)
            yield "timezone", f"{shown(name)} is no time zone of the IANA database; {advice}"


def _zones_of_carbon(accounting: Accounting) -> Iterator[Mistake]:
    if accounting.prometheus is not None:
        return
    for index, factor in enumerate(_read(accounting.carbon)):
        if factor.zone is not None and factor is not UNREAD:
            yield f"carbon[{index}].zone", "needs prometheus: the intensity of a zone is read there"


def _budgets(accounting: Accounting) -> Iterator[Mistake]:
    seen: dict[tuple[Any, Any], int] = {}
    for index, budget in enumerate(_read(accounting.budgets)):
        if budget is UNREAD or UNREAD in (budget.account, budget.user):
            continue
        first = seen.setdefault((budget.account, budget.user), index)
        if first != index:
            yield f"budgets[{index}]", f"has the account or user of budgets[{first}]: join them"
        yield from _layers(accounting, budget, f"budgets[{index}].month")
        if budget.mail_to and (accounting.notify is None or accounting.notify.mail is None):
            yield f"budgets[{index}].mailTo", "needs notify.mail: no server sends them"


def _layers(accounting: Accounting, budget: Budget, path: str) -> Iterator[Mistake]:
    """Look up which tariff and which factor a budget is counted by."""
    month = budget.month
    if month is UNREAD:
        return
    yield from _layer(month, path, "money", "tariff", accounting.tariffs, "tariffs")
    yield from _layer(month, path, "grams", "carbon", accounting.carbon, "carbon")


def _layer(
    month: MonthlyBudget, path: str, amount: str, layer: str, items: Any, field: str
) -> Iterator[Mistake]:
    if getattr(month, amount) is None or items is UNREAD:
        return
    names = [item.name for item in items or ()]
    name = getattr(month, layer)
    if not names:
        yield f"{path}.{amount}", f"needs {field}: nothing else says how it is counted"
    elif name is not None and UNREAD not in (name, *names) and name not in names:
        reason = f"{shown(name)} is not in {field}; {did_you_mean(name, sorted(set(names)))}"
        yield f"{path}.{layer}", reason


def _read(items: Any) -> Sequence[Any]:
    return () if items is None or items is UNREAD else items
