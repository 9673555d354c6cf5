"""How we, as a client, verify a server's certificate, and show it ours."""

import ssl

from rackwatt_exporter.config.options import TlsOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.protocols.http.tls_probe import allow_old
from rackwatt_exporter.reading import ReadError, Reason


def tls_context(options: TlsOptions, secrets: Secrets) -> ssl.SSLContext:
    """Make a context as a document says, with the authorities as their file is now.

    Raises:
        ReadError: credentials_missing, where there is no such file; tls_failed, where it holds no
            certificates, or no key to ours.
    """
    authorities = secrets.path(options.ca_secret, "ca.crt") if options.ca_secret else None
    try:
        context = ssl.create_default_context(cafile=authorities)
    except (ssl.SSLError, OSError) as error:
        told = f"{authorities} does not hold certificates in PEM: {error.strerror or error}"
        raise ReadError(Reason.TLS_FAILED, told) from None
    # Chain, dates and names are verified. Not that a device's own certificate has every extension
    # that RFC 5280 wants: few have, and newer Pythons would refuse them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if options.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if options.legacy:
        allow_old(context)
    if options.client_secret:
        _show_ours(context, options.client_secret, secrets)
    return context


def _show_ours(context: ssl.SSLContext, secret: str, secrets: Secrets) -> None:
    certificate, key = (secrets.path(secret, name) for name in ("tls.crt", "tls.key"))
    try:
        context.load_cert_chain(certificate, key, password=bytes)  # never from the terminal
    except (ssl.SSLError, OSError, ValueError) as error:
        message = f"{certificate} and {key} are no certificate and its key, in PEM: {error}"
        raise ReadError(Reason.TLS_FAILED, message) from None
