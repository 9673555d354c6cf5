"""TLS of a document, with its Secrets as files: what the HTTP clients take."""

from rackwatt_exporter.config.options import TlsOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.http.tls import TlsParameters


def tls_parameters(options: TlsOptions, secrets: Secrets) -> TlsParameters:
    """Find the files that the options name.

    Raises:
        ReadError: credentials_missing, where one of them is not there.
    """
    shown = options.client_secret
    return TlsParameters(
        authorities=secrets.path(options.ca_secret, "ca.crt") if options.ca_secret else None,
        certificate=(secrets.path(shown, "tls.crt"), secrets.path(shown, "tls.key"))
        if shown
        else None,
        server_name=options.server_name,
        insecure_skip_verify=options.insecure_skip_verify,
        legacy=options.legacy,
    )
