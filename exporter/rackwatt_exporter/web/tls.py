"""Server-side TLS: certificate, protocol versions, client certificate verification.

The content of all files is read once, as bytes, so that two configurations can be compared: while
they are equal, the context is kept and connections are not affected.
"""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from rackwatt_crds.memory_file import memory_file
from rackwatt_exporter.web.web_config import CIPHER_SUITES, TlsServer

# By name: a server without TLS does not load OpenSSL (lazy_modules.py).
_VERSIONS = {"TLS12": "TLSv1_2", "TLS13": "TLSv1_3"}
_VERIFY = {
    "VerifyClientCertIfGiven": "CERT_OPTIONAL",
    "RequireAndVerifyClientCert": "CERT_REQUIRED",
}

_MESSAGES = {"KEY_VALUES_MISMATCH": "the key does not match the certificate"}


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The TLS settings and the content of their files."""

    settings: TlsServer = field(repr=False)
    certificate: bytes
    key: bytes = field(repr=False)
    authorities: bytes


def load_files(settings: TlsServer, directory: Path) -> TlsFiles:
    """Read the files that the settings name, relative to `directory`.

    Raises:
        ValueError: a file cannot be read; the message has the file and its setting.
    """
    return TlsFiles(
        settings,
        *(
            _pem(getattr(settings, name), getattr(settings, f"{name}_file"), name, directory)
            for name in ("cert", "key", "client_ca")
        ),
    )


def build_context(files: TlsFiles) -> "ssl.SSLContext":
    """Build a server-side context.

    Raises:
        ValueError: the certificate, its key or the authorities are invalid.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    _set_certificate(context, files)
    _set_versions(context, files.settings)
    if files.authorities:
        try:
            context.load_verify_locations(cadata=files.authorities.decode())
        except (ssl.SSLError, ValueError):
            message = "tls_server_config.client_ca_file: contains no certificates in PEM"
            raise ValueError(message) from None
    verify = _VERIFY.get(files.settings.client_auth_type or "", "CERT_NONE")
    context.verify_mode = ssl.VerifyMode[verify]
    return context


def _pem(inline: str | None, file: str | None, name: str, directory: Path) -> bytes:
    if not file:
        return (inline or "").encode()
    path = directory / file
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"tls_server_config.{name}_file: {path}: {error.strerror}"
        raise ValueError(message) from None


def _set_certificate(context: "ssl.SSLContext", files: TlsFiles) -> None:
    with memory_file(files.certificate) as certificate, memory_file(files.key) as key:
        try:
            context.load_cert_chain(
                certificate, key, password=""
            )  # otherwise OpenSSL prompts on the terminal
        except ssl.SSLError as error:
            reason = _MESSAGES.get(error.reason, "no PEM, or the key has a password")
            raise ValueError(f"tls_server_config: cert_file and key_file: {reason}") from None


def _set_versions(context: "ssl.SSLContext", settings: TlsServer) -> None:
    context.minimum_version = ssl.TLSVersion[_VERSIONS[settings.min_version or "TLS12"]]
    context.maximum_version = ssl.TLSVersion[_VERSIONS[settings.max_version or "TLS13"]]
    if not settings.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    suites = [name for chosen in settings.cipher_suites or () if (name := CIPHER_SUITES[chosen])]
    if suites:
        context.set_ciphers(":".join(suites))
    elif settings.cipher_suites:  # no suite of TLS 1.2 is configured
        context.minimum_version = ssl.TLSVersion.TLSv1_3
