"""Who asks: the ways by which accounting knows the name of a person or a program.

Only ways that a document gives are open. A name counts as the user name of the scheduler, whichever
way it came.
"""

import ipaddress
from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from rackwatt_crds.endpoints import Connection, Url
from rackwatt_crds.fields import ClientTls, SecretRef
from rackwatt_crds.model import Model
from rackwatt_crds.quoting import shown
from rackwatt_crds.rules import at_least_one, not_one_of
from rackwatt_crds.unread import UNREAD

WAYS = ("grafana", "oidc", "client_certificate", "trusted_header")
USER_HEADER = "X-Grafana-User"
# Other ways read these, or HTTP itself does: a name must not come from them.
RESERVED_HEADERS = (
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "host",
    "transfer-encoding",
    "x-dashboard-user",
    "x-grafana-id",
    "x-rackwatt-act-as",
    "x-rackwatt-token",
)
_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_NETWORK = (
    rf"^(({_OCTET}\.){{3}}{_OCTET}/(3[0-2]|[12]?[0-9])|"
    r"[0-9a-fA-F:]{2,39}/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))\Z"
)
Network = Annotated[
    str,
    Meta(
        pattern=_NETWORK,
        description="A network, such as `127.0.0.0/8`, `192.0.2.7/32` or `2001:db8::/64`.",
    ),
]
_Url = Annotated[
    str,
    Meta(pattern=r"^https?://[!-~]+\Z", max_length=2_000, description="Such as https://host/path."),
]


class GrafanaIdentity(Model, frozen=True, kw_only=True):
    """Grafana's signed ID token in the header X-Grafana-Id, which its data sources forward."""

    url: Annotated[
        _Url,
        Meta(description="The URL of Grafana, which has the keys of its tokens."),
    ]
    tls: ClientTls | None = None


class OidcIdentity(Model, frozen=True, kw_only=True):
    """Tokens (JWT) of an OpenID Connect provider, as `Authorization: Bearer`."""

    issuer: Annotated[
        _Url,
        Meta(description="The issuer, exactly as in the claim `iss` of its tokens."),
    ]
    audience: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=1_000,
            description="What the claim `aud` has to hold, such as the client's id.",
        ),
    ]
    user_claim: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=100,
            description="The claim that is the user's name in the scheduler, such as "
            "`preferred_username`. People must not be able to change it themselves. `email` counts "
            "only where the claim `email_verified` is true.",
        ),
    ]
    tls: ClientTls | None = None


class ClientCertificateIdentity(Model, frozen=True, kw_only=True):
    """The common name of a client certificate that the web configuration verifies.

    Without a common name, the only one of its alternative names.
    """


class TrustedHeader(Model, frozen=True, kw_only=True):
    """A header with the user's name, which a proxy sets that has authenticated the user."""

    name: Annotated[
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z",
                max_length=100,
                description="The header's name, such as X-Grafana-User.",
            ),
        ]
        | None,
        Meta(description="The header. Default: X-Grafana-User."),
    ] = None
    from_: Annotated[
        list[Network],
        Meta(
            min_length=1,
            max_length=64,
            description="Networks of the proxies. The header of any other client is ignored.",
        ),
    ]
    secret_ref: Annotated[
        SecretRef | None,
        Meta(
            description="A Secret whose `token` the proxy has to send as the header "
            "X-Rackwatt-Token. Without it every program at these addresses can be anybody. "
            "Default: none."
        ),
    ] = None

    RULES = (not_one_of("name", RESERVED_HEADERS, "another way, or the protocol, reads it"),)


class Identity(Model, frozen=True, kw_only=True):
    """How accounting knows who asks. A caller with two different names is refused."""

    grafana: GrafanaIdentity | None = None
    oidc: OidcIdentity | None = None
    client_certificate: ClientCertificateIdentity | None = None
    trusted_header: TrustedHeader | None = None

    RULES = (at_least_one(*WAYS),)


def connections(identity: Identity) -> Iterator[Connection]:
    """Yield the services whose keys are read."""
    if identity.grafana:
        yield Url("grafana.url", identity.grafana.url)
    if identity.oidc:
        yield Url("oidc.issuer", identity.oidc.issuer)


def problems(identity: Identity) -> Iterator[tuple[str, str]]:
    """Yield the fields and problems that the models do not see: networks that are none."""
    header = identity.trusted_header
    networks = header.from_ if header is not None else UNREAD
    for index, text in enumerate(() if networks is UNREAD else networks):
        if text is UNREAD:
            continue
        try:
            ipaddress.ip_network(text)
        except ValueError as error:
            reason = f"{shown(text)} is no network: {error}"
            yield f"trustedHeader.from[{index}]", reason
