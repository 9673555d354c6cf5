"""A zone of the electricity grid, and the provider of its carbon intensity."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.kinds import PROVIDERS, ProviderSettings, fields
from rackwatt_crds.rules import exactly_one

Zone = Annotated[
    str,
    Meta(
        pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,8})*\Z",
        max_length=32,
        description="The zone, such as `FR` or `US-CAL-CISO`.",
    ),
]


class Grid(ProviderSettings, frozen=True, kw_only=True):
    """A zone of the electricity grid, and exactly one provider of its carbon intensity."""

    zone: Zone

    RULES = (exactly_one(*fields(PROVIDERS)),)
