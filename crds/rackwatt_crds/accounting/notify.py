"""Who is notified of budgets, and how: a webhook, mail, or both."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from rackwatt_crds.accounting.names import Address
from rackwatt_crds.endpoints import Connection, Endpoint, Url
from rackwatt_crds.fields import ClientTls, Credentials, Port, SecretKeyRef
from rackwatt_crds.model import Model
from rackwatt_crds.rules import at_least_one, exactly_one, unique
from rackwatt_crds.unread import UNREAD

# RFC 8314 (implicit TLS), RFC 6409 (submission) and RFC 5321.
_PORTS = {"implicit": 465, "starttls": 587, "none": 25}
DEFAULT_ENCRYPTION = "starttls"


class Webhook(Model, frozen=True, kw_only=True):
    """A URL that each notification is posted to, as JSON."""

    url: Annotated[
        Annotated[
            str,
            Meta(pattern=r"^https?://[!-~]+\Z", description="Such as https://hooks.example/power."),
        ]
        | None,
        Meta(description="The URL, if no part of it is a secret."),
    ] = None
    url_secret_ref: Annotated[
        SecretKeyRef | None, Meta(description="A key of a Secret with the URL.")
    ] = None
    credentials: Annotated[
        Credentials | None,
        Meta(
            description="A Secret with the `username` and `password`, or the bearer `token`, of "
            "that server. Default: none."
        ),
    ] = None
    tls: ClientTls | None = None

    RULES = (exactly_one("url", "url_secret_ref"),)


class Mail(Model, frozen=True, kw_only=True):
    """A mail server, and who gets the mails of all budgets."""

    host: Annotated[
        str,
        Meta(
            # As endpoints.address_problem has it, which also knows a port and an IP address.
            pattern=r"^[A-Za-z0-9._:%][A-Za-z0-9._:%-]*\Z",
            max_length=255,
            description="The host of the server, alone: `port` is a field of its own.",
        ),
    ]
    port: Annotated[
        Port | None,
        Meta(description="TCP port. Default: 587 with `starttls`, 465 with `implicit`, else 25."),
    ] = None
    encryption: Annotated[
        Literal["starttls", "implicit", "none"] | None,
        Meta(
            description="How the connection is encrypted: after STARTTLS, which the server must "
            "offer, or from its beginning on. Default: starttls."
        ),
    ] = None
    from_: Annotated[Address, Meta(description="The sender.")]
    to: Annotated[
        Annotated[
            list[Address],
            Meta(max_length=16, extra_json_schema={"x-kubernetes-list-type": "set"}),
        ]
        | None,
        Meta(description="Who gets the mails of all budgets. Default: none."),
    ] = None
    credentials: Annotated[
        Credentials | None,
        Meta(description="A Secret with a `username` and `password`. Default: none."),
    ] = None
    tls: ClientTls | None = None

    RULES = (unique("to"),)


class Notify(Model, frozen=True, kw_only=True):
    """Where notifications of budgets go. Their state is a metric in any case."""

    webhook: Webhook | None = None
    mail: Mail | None = None

    RULES = (at_least_one("webhook", "mail"),)


def port(mail: Mail) -> int:
    """Return the port of a mail server."""
    return mail.port or _PORTS[mail.encryption or DEFAULT_ENCRYPTION]


def connections(notify: Notify) -> Iterator[Connection]:
    """Yield the webhook and the mail server; a URL in a Secret is taken for one of https."""
    webhook, mail = notify.webhook, notify.mail
    if webhook is not None and webhook.url is not None:
        yield Url("webhook.url", webhook.url)
    if webhook is not None and webhook.url_secret_ref is not None:
        yield Endpoint("", 443)
    if mail is not None:
        known = UNREAD not in (mail, mail.port, mail.encryption)
        yield Endpoint(mail.host, port(mail) if known else 0, field="mail.host")
