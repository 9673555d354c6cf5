"""Tariffs: what energy and hours cost, from a day to another."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.accounting.validity import Valid
from rackwatt_crds.rules import at_least_one

_Price = Annotated[float, Meta(ge=0, le=1_000_000)]


class Tariff(Valid, frozen=True, kw_only=True):
    """Prices, which are added up. At least one is given."""

    currency: Annotated[
        str,
        Meta(
            pattern=r"^[A-Z]{3}\Z",
            max_length=3,
            description="The currency by its code of ISO 4217, such as `EUR`.",
        ),
    ]
    per_kilowatt_hour: Annotated[
        _Price | None, Meta(description="Price of a kilowatt-hour. Default: none.")
    ] = None
    per_core_hour: Annotated[
        _Price | None, Meta(description="Price of an allocated CPU for an hour. Default: none.")
    ] = None
    per_gpu_hour: Annotated[
        _Price | None, Meta(description="Price of an allocated GPU for an hour. Default: none.")
    ] = None
    per_billing_unit_hour: Annotated[
        _Price | None,
        Meta(
            description="Price of a billing unit for an hour: what Slurm's `TRESBillingWeights` "
            "make of a job. Default: none."
        ),
    ] = None

    RULES = (
        *Valid.RULES,
        at_least_one("per_kilowatt_hour", "per_core_hour", "per_gpu_hour", "per_billing_unit_hour"),
    )
