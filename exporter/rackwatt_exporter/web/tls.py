"""How we, as a server, show ourselves, and which clients we want to know.

All that a context is made of is read once, as bytes, so that two readings can be compared: while
they are equal, so is the context, and nothing on the wire is touched.
"""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from rackwatt_crds.memory_file import memory_file
from rackwatt_exporter.web.web_config import CIPHER_SUITES, TlsServer

_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_VERIFY = {
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}

_TOLD = {"KEY_VALUES_MISMATCH": "the key is not that of the certificate"}


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The settings, with what their files held when they were read."""

    settings: TlsServer = field(repr=False)
    certificate: bytes
    key: bytes = field(repr=False)
    authorities: bytes


def material(settings: TlsServer, directory: Path) -> TlsFiles:
    """Read the files that the settings name, relative to `directory`.

    Raises:
        ValueError: a file cannot be read; it is named, with the setting that names it.
    """
    return TlsFiles(
        settings,
        *(
            _pem(getattr(settings, name), getattr(settings, f"{name}_file"), name, directory)
            for name in ("cert", "key", "client_ca")
        ),
    )


def context(held: TlsFiles) -> ssl.SSLContext:
    """Make a context for a server.

    Raises:
        ValueError: the certificate, its key or the authorities are not what they should be.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.set_alpn_protocols(["http/1.1"])
    _set_certificate(made, held)
    _set_versions(made, held.settings)
    if held.authorities:
        try:
            made.load_verify_locations(cadata=held.authorities.decode())
        except (ssl.SSLError, ValueError):
            told = "tls_server_config.client_ca_file: holds no certificates in PEM"
            raise ValueError(told) from None
    made.verify_mode = _VERIFY.get(held.settings.client_auth_type or "", ssl.CERT_NONE)
    return made


def _pem(inline: str | None, file: str | None, name: str, directory: Path) -> bytes:
    if not file:
        return (inline or "").encode()
    path = directory / file
    try:
        return path.read_bytes()
    except OSError as error:
        told = f"tls_server_config.{name}_file: {path}: {error.strerror}"
        raise ValueError(told) from None


def _set_certificate(made: ssl.SSLContext, held: TlsFiles) -> None:
    with memory_file(held.certificate) as certificate, memory_file(held.key) as key:
        try:
            made.load_cert_chain(certificate, key, password="")  # else it asks the tty
        except ssl.SSLError as error:
            told = _TOLD.get(error.reason, "no PEM, or the key has a password")
            raise ValueError(f"tls_server_config: cert_file and key_file: {told}") from None


def _set_versions(made: ssl.SSLContext, settings: TlsServer) -> None:
    made.minimum_version = _VERSIONS[settings.min_version or "TLS12"]
    made.maximum_version = _VERSIONS[settings.max_version or "TLS13"]
    if not settings.prefer_server_cipher_suites:
        made.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    suites = [name for chosen in settings.cipher_suites or () if (name := CIPHER_SUITES[chosen])]
    if suites:
        made.set_ciphers(":".join(suites))
    elif settings.cipher_suites:  # none of TLS 1.2: then it is not wanted
        made.minimum_version = ssl.TLSVersion.TLSv1_3
