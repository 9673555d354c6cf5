"""Budgets: what an account or a user may use in a calendar month, before people are notified."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.accounting.names import AccountName, Address, UserName
from rackwatt_crds.accounting.validity import LayerName
from rackwatt_crds.model import Model
from rackwatt_crds.rules import at_least_one, exactly_one, requires, unique

_Amount = Annotated[float, Meta(gt=0, le=10**12)]


class MonthlyBudget(Model, frozen=True, kw_only=True):
    """The most of a calendar month. At least one amount is given; each is an alarm of its own."""

    kilowatt_hours: Annotated[
        _Amount | None, Meta(description="Kilowatt-hours. Default: no limit.")
    ] = None
    core_hours: Annotated[
        _Amount | None, Meta(description="Hours of allocated CPUs. Default: no limit.")
    ] = None
    gpu_hours: Annotated[
        _Amount | None, Meta(description="Hours of allocated GPUs. Default: no limit.")
    ] = None
    grams: Annotated[
        _Amount | None,
        Meta(description="Grams of carbon dioxide equivalent. Default: no limit."),
    ] = None
    carbon: Annotated[
        LayerName | None,
        Meta(description="The name in `carbon` that has the grams. Default: the first."),
    ] = None
    money: Annotated[
        _Amount | None, Meta(description="Money, in the currency of the tariff. Default: no limit.")
    ] = None
    tariff: Annotated[
        LayerName | None,
        Meta(description="The name in `tariffs` that has the prices. Default: the first."),
    ] = None

    RULES = (
        at_least_one("kilowatt_hours", "core_hours", "gpu_hours", "grams", "money"),
        requires("carbon", "grams", "it says how they are counted"),
        requires("tariff", "money", "it says how it is counted"),
    )


class Budget(Model, frozen=True, kw_only=True):
    """The budget of exactly one account or user."""

    account: Annotated[AccountName | None, Meta(description="The account.")] = None
    user: Annotated[UserName | None, Meta(description="The user, in all accounts.")] = None
    month: MonthlyBudget
    mail_to: Annotated[
        Annotated[
            list[Address],
            Meta(max_length=16, extra_json_schema={"x-kubernetes-list-type": "set"}),
        ]
        | None,
        Meta(
            description="Who gets the mails of this budget, beside those of `notify.mail.to`. "
            "Default: none."
        ),
    ] = None

    RULES = (exactly_one("account", "user"), unique("mail_to"))
