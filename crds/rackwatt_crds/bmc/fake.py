"""Synthetic readings: for a trial, and for dashboards before there is a fleet."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.model import Model
from rackwatt_crds.rules import not_less_than

Watts = Annotated[float, Meta(ge=0)]


class Fake(Model, frozen=True, kw_only=True):
    """Synthetic readings, uniform between two bounds; the same seed gives the same readings."""

    min: Annotated[Watts | None, Meta(description="Lowest watts. Default: 100.")] = None
    max: Annotated[Watts | None, Meta(description="Highest watts. Default: 500.")] = None
    seed: Annotated[
        Annotated[int, Meta(ge=-(2**53), le=2**53)] | None,
        Meta(description="Seed of the random numbers. Default: a hash of the node's name."),
    ] = None

    RULES = (not_less_than("max", "min"),)
