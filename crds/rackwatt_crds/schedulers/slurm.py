"""Slurm, through its own commands, through slurmrestd, or by the metrics of slurmctld itself."""

from collections.abc import Iterator
from typing import Annotated, ClassVar

from msgspec import Meta

from rackwatt_crds.endpoints import SLURMCTLD_PORT, Connection, Endpoint, Url
from rackwatt_crds.fields import ClientTls, SecretKeyRef
from rackwatt_crds.model import Model, only
from rackwatt_crds.rules import (
    Rule,
    camel,
    exactly_one,
    not_both,
    not_one_of,
    requires,
    without_keys,
)
from rackwatt_crds.schedulers.commands import Cli, Ssh, sshd

RESERVED_HEADERS = (
    "connection",
    "content-length",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-slurm-user-name",
    "x-slurm-user-token",
)
RESERVED_CLAIMS = ("exp", "iat", "nbf", "sun")
INTERFACES = ("cli", "ssh", "rest", "open_metrics")
ClusterName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*\Z",
        max_length=255,
        description="One name: letters, digits, `_`, `.` and `-`.",
    ),
]


def _unauthenticated(rest: "SlurmRest") -> str | None:
    """Return a violation where nothing authenticates."""
    given = rest.jwt_key_secret_ref or rest.token_secret_ref or rest.headers is not None
    return None if given or rest.url.startswith("unix:") else "none of them"


class Header(Model, frozen=True, kw_only=True):
    """A header of each request: `value` or `valueSecretRef`."""

    name: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z",
            max_length=100,
            description="The header's name, such as Authorization.",
        ),
    ]
    value: Annotated[
        Annotated[
            str,
            Meta(
                pattern=r"^[ -~]*\Z",
                max_length=1_000,
                description="ASCII on one line.",
                extra={"confidential": True},
            ),
        ]
        | None,
        Meta(description="Its value, if it is no secret."),
    ] = None
    value_secret_ref: Annotated[
        SecretKeyRef | None, Meta(description="A key of a Secret with its value.")
    ] = None

    CONFIDENTIAL = True
    RULES = (
        exactly_one("value", "value_secret_ref"),
        not_one_of("name", RESERVED_HEADERS, "another field, or the protocol, sets it"),
    )


class SlurmHttp(Model, frozen=True, kw_only=True):
    """What slurmrestd and slurmctld have in common: a URL, and a log-in by a token."""

    url: str
    user: Annotated[str | None, Meta(description="The Slurm user of the token.")] = None
    jwt_key_secret_ref: Annotated[
        SecretKeyRef | None,
        Meta(
            description="Slurm's JWT key, from which the exporter makes tokens with a short "
            "lifetime."
        ),
    ] = None
    claims: Annotated[
        Annotated[
            dict[
                Annotated[str, Meta(min_length=1, max_length=100)],
                Annotated[str, Meta(max_length=1_000)],
            ],
            Meta(max_length=16),
        ]
        | None,
        Meta(
            description="More claims of these tokens. The exporter sets `sun`, `iat`, `exp` "
            "and `nbf`."
        ),
    ] = None
    token_secret_ref: Annotated[
        SecretKeyRef | None, Meta(description="A token, read again when it changes.")
    ] = None
    headers: Annotated[
        Annotated[list[Header], Meta(max_length=16)] | None,
        Meta(description="More headers of each request, for a gateway in front of Slurm."),
    ] = None
    tls: ClientTls | None = None

    RULES: ClassVar[tuple[Rule, ...]] = (
        not_both(
            "jwt_key_secret_ref",
            "token_secret_ref",
            "at most one of jwtKeySecretRef, tokenSecretRef may be given",
        ),
        requires("jwt_key_secret_ref", "user", "a token names its user"),
        requires("claims", "jwt_key_secret_ref", "they are claims of a token made from it"),
        without_keys("claims", RESERVED_CLAIMS, "every token has its own"),
    )


class SlurmRest(SlurmHttp, frozen=True, kw_only=True):
    """Slurm's REST API (slurmrestd)."""

    url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://|unix:/)[!-~]+\Z",
            description="The URL, such as http://slurm:6820 or unix:/run/slurmrestd.sock.",
        ),
    ]
    version: Annotated[
        Annotated[str, Meta(pattern=r"^v0\.0\.[0-9]{1,4}\Z", description="Such as `v0.0.40`.")]
        | None,
        Meta(
            description="The version of the REST API, such as v0.0.40. Default: the newest "
            "that answers."
        ),
    ] = None

    RULES = (
        *SlurmHttp.RULES,
        Rule(
            "jwtKeySecretRef or tokenSecretRef must be given, unless url is a Unix socket or "
            "headers authenticate",
            "has(self.jwtKeySecretRef) || has(self.tokenSecretRef) || has(self.headers) || "
            "self.url.startsWith('unix:')",
            _unauthenticated,
            ("url",),
        ),
    )


class SlurmOpenMetrics(SlurmHttp, frozen=True, kw_only=True):
    """The metrics that slurmctld serves itself, from Slurm 25.11 on: numbers, and no list."""

    url: Annotated[
        str,
        Meta(
            pattern=r"^https?://[!-~]+\Z",
            description="The URL of slurmctld, such as http://slurmctld:6817. Its slurm.conf has "
            "`MetricsType=metrics/openmetrics`.",
        ),
    ]


class Slurm(Model, frozen=True, kw_only=True):
    """Slurm, polled through exactly one of four interfaces."""

    cluster: Annotated[
        ClusterName | None,
        Meta(
            description="The Slurm cluster, as in sinfo's `-M`; a response of another cluster "
            "is a failure. Default: the local cluster."
        ),
    ] = None
    cli: Cli | None = None
    ssh: Ssh | None = None
    rest: SlurmRest | None = None
    open_metrics: Annotated[
        SlurmOpenMetrics | None,
        Meta(
            description="Numbers of nodes and jobs alone: no node has a state, and no job its part "
            "of the power."
        ),
    ] = None

    RULES = (
        exactly_one(*INTERFACES),
        not_both(
            "cluster", "open_metrics", "slurmctld's metrics do not name the cluster to compare with"
        ),
    )


def label(slurm: Slurm) -> str:
    """Return the scheduler and its interface, such as `slurm/ssh` or `slurm/openMetrics`."""
    return f"slurm/{camel(only(slurm, INTERFACES))}"


def lists(slurm: Slurm) -> bool:
    """Return whether nodes and jobs are listed: slurmctld's metrics only count them."""
    return slurm.open_metrics is None


def connections(slurm: Slurm) -> Iterator[Connection]:
    """Yield slurmctld, sshd or slurmrestd; a Unix socket is not on the network."""
    if slurm.open_metrics is not None:
        yield Url("openMetrics.url", slurm.open_metrics.url)
    if slurm.cli is not None:
        yield Endpoint("", SLURMCTLD_PORT)
    if slurm.ssh is not None:
        yield sshd(slurm.ssh)
    if slurm.rest is not None and not str(slurm.rest.url).startswith("unix:"):
        yield Url("rest.url", slurm.rest.url)
