"""Client-side TLS: verification of a server's certificate, and the client's own."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from rackwatt_exporter.reading import ReadError, Reason

# "ALL" has RSA key exchange and CBC; level 0 allows SHA-1, short keys, TLS 1.0 and 1.1.
_OLD_CIPHERS = "ALL:!aNULL:!eNULL:@SECLEVEL=0"
_OP_LEGACY_SERVER_CONNECT = 0x4  # ssl.OP_LEGACY_SERVER_CONNECT, from Python 3.12 on


@dataclass(frozen=True, slots=True)
class TlsParameters:
    """How a client verifies a server, and its own certificate.

    `authorities` None means the system's; `certificate` is a file of certificates and one of their
    key, in PEM; `legacy` allows versions and ciphers that are no longer secure.
    """

    authorities: Path | None = None
    certificate: tuple[Path, Path] | None = None
    server_name: str | None = None
    insecure_skip_verify: bool = False
    legacy: bool = False


def tls_context(parameters: TlsParameters) -> ssl.SSLContext:
    """Create a context, with the authorities and certificates as their files are now.

    Raises:
        ReadError: tls_failed, where a file holds no certificates, or no key to them.
    """
    authorities = parameters.authorities
    try:
        context = ssl.create_default_context(cafile=authorities)
    except (ssl.SSLError, OSError) as error:
        message = f"{authorities} does not hold certificates in PEM: {error.strerror or error}"
        raise ReadError(Reason.TLS_FAILED, message) from None
    # Chain, dates and names are verified. VERIFY_X509_STRICT, which newer Pythons set, would also
    # require every extension of RFC 5280: the certificates of few devices have them.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if parameters.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if parameters.legacy:
        allow_old(context)
    if parameters.certificate:
        load_certificate(context, *parameters.certificate)
    return context


def allow_old(context: ssl.SSLContext) -> None:
    """Allow a context every version and cipher that OpenSSL still has, however weak."""
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers(_OLD_CIPHERS)
    context.options |= _OP_LEGACY_SERVER_CONNECT


def load_certificate(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    """Load the client's certificate into a context.

    Raises:
        ReadError: tls_failed, where the files are no certificate and its key.
    """
    try:
        context.load_cert_chain(certificate, key, password=bytes)  # never from the terminal
    except (ssl.SSLError, OSError, ValueError) as error:
        message = f"{certificate} and {key} are no certificate and its key, in PEM: {error}"
        raise ReadError(Reason.TLS_FAILED, message) from None
