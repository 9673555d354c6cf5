"""A constant carbon intensity, such as that of a site's contract."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from rackwatt_crds.endpoints import Connection
from rackwatt_crds.model import Model

Grams = Annotated[float, Meta(ge=0, le=100_000)]


class StaticIntensity(Model, frozen=True, kw_only=True):
    """A constant carbon intensity, such as that of the site's contract."""

    grams_per_kilowatt_hour: Annotated[
        Grams,
        Meta(description="Grams of carbon dioxide equivalent per kilowatt-hour."),
    ]


def connections(_: StaticIntensity) -> Iterator[Connection]:
    """Return no connection: the document has the value."""
    return iter(())
