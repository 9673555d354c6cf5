"""TLS and passwords of the collectors' HTTP endpoints.

An exporter without an operator has the flag --web.config.file. The operator does not read the
web configuration in the Secret, so what clients of the endpoints need is given beside it.
"""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.fields import ClientTls, Credentials, SecretKeyRef, SecretRef
from rackwatt_crds.model import Model


class WebTls(ClientTls, frozen=True, kw_only=True):
    """How clients verify the certificate; required where the web configuration has TLS."""

    client_secret_ref: Annotated[
        SecretRef | None,
        Meta(
            description="A Secret whose `tls.crt` and `tls.key` are the client certificate of "
            "Prometheus, the operator and other collectors. Required where the web configuration "
            "requires client certificates. Default: none."
        ),
    ] = None


class WebCredentials(Credentials, frozen=True, kw_only=True):
    """A Secret with a `username` and `password` that the web configuration accepts."""


class Web(Model, frozen=True, kw_only=True):
    """TLS and passwords of the HTTP endpoints of this resource's collectors."""

    config_secret_ref: Annotated[
        SecretKeyRef,
        Meta(
            description="The web configuration file of the Prometheus exporter toolkit. Files "
            "that it names may be other keys of that Secret."
        ),
    ]
    certificate_secret_ref: Annotated[
        SecretRef | None,
        Meta(
            description="Another Secret with files that the web configuration names, such as "
            "cert-manager's: `cert_file: ../NAME/tls.crt`."
        ),
    ] = None
    tls: WebTls | None = None
    credentials: WebCredentials | None = None
