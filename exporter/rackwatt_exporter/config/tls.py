"""TLS parameters of HTTP clients, with Secrets as files."""

from rackwatt_exporter.config.options import TlsOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.http.tls import TlsParameters


def tls_parameters(options: TlsOptions, secrets: Secrets) -> TlsParameters:
    """Return the parameters with the files that the options name.

    Raises:
        ReadError: credentials_missing, where a file does not exist.
    """
    client = options.client_secret
    return TlsParameters(
        authorities=secrets.path(options.ca_secret, "ca.crt") if options.ca_secret else None,
        certificate=(secrets.path(client, "tls.crt"), secrets.path(client, "tls.key"))
        if client
        else None,
        server_name=options.server_name,
        insecure_skip_verify=options.insecure_skip_verify,
        legacy=options.legacy,
    )
