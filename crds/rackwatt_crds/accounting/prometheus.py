"""The Prometheus that has the energy of jobs and nodes, and what accounting asks of it."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.fields import ClientTls, Credentials
from rackwatt_crds.model import Model


class Prometheus(Model, frozen=True, kw_only=True):
    """The Prometheus, or a server with its HTTP API, that scrapes the exporters of the nodes."""

    url: Annotated[
        str,
        Meta(
            pattern=r"^https?://[!-~]+\Z",
            description="The URL, such as http://prometheus.example:9090.",
        ),
    ]
    credentials: Annotated[
        Credentials | None,
        Meta(
            description="A Secret with the `username` and `password`, or the bearer `token`, of "
            "that Prometheus. Default: none."
        ),
    ] = None
    tls: ClientTls | None = None
