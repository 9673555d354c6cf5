"""Another rackwatt-exporter that relays node states."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from rackwatt_crds.endpoints import Connection, Url
from rackwatt_crds.fields import ClientTls, Credentials
from rackwatt_crds.model import Model


class Exporter(Model, frozen=True, kw_only=True):
    """Another rackwatt-exporter that polls the scheduler, with a binding of the same name."""

    url: Annotated[
        str, Meta(pattern=r"^https?://[!-~]+\Z", description="The URL, such as http://power:9123.")
    ]
    tls: ClientTls | None = None
    credentials: Annotated[
        Credentials | None,
        Meta(
            description="A Secret with the `username` and `password` of that exporter. "
            "Default: none."
        ),
    ] = None


def label(_: Exporter) -> str:
    """Return the label of the scheduler."""
    return "exporter"


def connections(exporter: Exporter) -> Iterator[Connection]:
    """Yield the URL of the other exporter."""
    yield Url("url", exporter.url)
