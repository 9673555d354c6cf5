"""Factors of emissions: the grams of a kilowatt-hour, with what they are and who says so.

The GHG Protocol's guidance for scope 2 has two methods: by location, of the grid that a site is
connected to, and by market, of the contracts that it has. A report names both.
"""

from typing import Annotated, Literal

from msgspec import Meta

from rackwatt_crds.accounting.validity import Valid
from rackwatt_crds.grid.static import Grams
from rackwatt_crds.grid.zone import Zone
from rackwatt_crds.rules import Rule, exactly_one

_Words = Annotated[
    str,
    Meta(
        pattern=r"^[^\x00-\x1f\x7f]+\Z",
        max_length=200,
        description="Text on one line.",
    ),
]


class CarbonFactor(Valid, frozen=True, kw_only=True):
    """Exactly one of a grid's zone and a constant, and what the grams are."""

    kind: Annotated[
        Literal["location", "market"] | None,
        Meta(
            description="The method of the GHG Protocol: of the grid, or of the site's contracts. "
            "Default: location."
        ),
    ] = None
    signal: Annotated[
        Literal["average", "marginal"] | None,
        Meta(
            description="Whether the grams are those of the average kilowatt-hour, or of one more "
            "or less. Default: average."
        ),
    ] = None
    zone: Annotated[
        Zone | None,
        Meta(
            description="A zone whose intensity the Prometheus has, as a PowerTarget with `grid` "
            "measures it."
        ),
    ] = None
    grams_per_kilowatt_hour: Annotated[
        Grams | None,
        Meta(description="Grams of carbon dioxide equivalent per kilowatt-hour."),
    ] = None
    source: Annotated[
        _Words, Meta(description="Who says so, such as `European Environment Agency`.")
    ]
    version: Annotated[
        _Words | None,
        Meta(description="The edition of the source, such as `2025`. Default: none."),
    ] = None

    RULES = (
        *Valid.RULES,
        exactly_one("zone", "grams_per_kilowatt_hour"),
        Rule(
            "kind market needs gramsPerKilowattHour: a zone has the intensity of a location",
            "!(has(self.kind) && self.kind == 'market' && has(self.zone))",
            lambda factor: "zone" if factor.kind == "market" and factor.zone is not None else None,
            ("kind",),
            "kind",
        ),
    )
