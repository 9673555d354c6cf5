"""Lustre: the Prometheus that has its job statistics, and how job ids name jobs and processes."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from rackwatt_crds.endpoints import Connection, Url
from rackwatt_crds.fields import ClientTls, Credentials, Duration
from rackwatt_crds.model import Model
from rackwatt_crds.rules import min_duration, unique

JobidTemplate = Annotated[
    str,
    Meta(
        pattern=r"^(procname_uid|[^%]*%[^\n]+)\Z",
        max_length=64,
        description="`procname_uid`, or a `jobid_name` of Lustre such as `%j:%e.%u`.",
    ),
]


class Lustre(Model, frozen=True, kw_only=True):
    """The I/O of jobs and processes on Lustre, of the statistics that a Prometheus has."""

    prometheus_url: Annotated[
        str,
        Meta(
            pattern=r"^https?://[!-~]+\Z",
            description="The Prometheus that scrapes lustre_exporter, such as "
            "http://prometheus.example:9090.",
        ),
    ]
    range: Annotated[
        Duration | None,
        Meta(description="The range over which rates are taken. Default: 1m."),
    ] = None
    credentials: Annotated[
        Credentials | None,
        Meta(
            description="A Secret with the `username` and `password`, or the bearer `token`, of "
            "that Prometheus. Default: none."
        ),
    ] = None
    tls: ClientTls | None = None
    jobid: Annotated[
        Annotated[
            list[JobidTemplate],
            Meta(min_length=1, max_length=8, extra_json_schema={"x-kubernetes-list-type": "set"}),
        ]
        | None,
        Meta(
            description="How the clients compose job ids: `procname_uid`, or their `jobid_name`. "
            "Where several fit, the one with the most fields counts. Default: `procname_uid`, "
            "`%j` and `%j:%e.%u`."
        ),
    ] = None
    grace: Annotated[
        Duration | None,
        Meta(
            description="How long a job that the scheduler no longer lists keeps its I/O. "
            "Default: 5m."
        ),
    ] = None

    RULES = (min_duration("range", "1s"), unique("jobid"))


def connections(lustre: Lustre) -> Iterator[Connection]:
    """Yield the URL of the Prometheus."""
    yield Url("prometheusURL", lustre.prometheus_url)
