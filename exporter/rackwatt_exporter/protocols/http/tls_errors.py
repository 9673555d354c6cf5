"""Causes of failed TLS handshakes, and their remedies.

The table of OpenSSL's reasons and verification codes serves every client.
"""

import ssl
from typing import NamedTuple

from rackwatt_exporter.printable import printable
from rackwatt_exporter.reading import ReadError, Reason


class Cause(NamedTuple):
    """One cause; `old` where old TLS (`tls.legacy`) may be what the peer needs."""

    message: str
    remedy: str
    old: bool = False


_AUTHORITY = "Put the certificate's authority into `tls.caSecretRef`."
_DATES = "Renew the certificate, or set the clock of whichever side is wrong."
_NAME = "Set `tls.serverName` to a name in the certificate."
_WEAK = (
    "Replace the certificate by one with a key of 2048 bits and SHA-256. `tls.legacy: true` "
    "accepts weak ones: their signatures can be forged."
)
_CERTIFICATE = {  # by OpenSSL's verification codes, see openssl-verify(1)
    9: _DATES,
    10: _DATES,
    18: _AUTHORITY,
    19: _AUTHORITY,
    20: _AUTHORITY,
    21: _AUTHORITY,
    62: _NAME,
    64: _NAME,
    66: _WEAK,
    67: _WEAK,
    68: _WEAK,
}

_LEGACY = (
    "Update the firmware. If that does not help, set `tls.legacy: true` in the entry: it offers "
    "TLS 1.0 and 1.1, RSA key exchange and SHA-1. An attacker on the network path may then read "
    "the password."
)
_NOTHING_OLD = (
    "`tls.legacy` does not help. The service may want a client certificate, or know only what "
    "OpenSSL has dropped: update the firmware, or read the machine through IPMI or SNMP."
)
_VERSION = Cause("the service and this client have no TLS version in common", _LEGACY, old=True)
_CIPHER = Cause(
    "the service and this client have no TLS cipher suite, key exchange or signature in common",
    _LEGACY,
    old=True,
)
_SMALL_KEY = Cause("the service's Diffie-Hellman key is too small", _LEGACY, old=True)
_SIGNATURE = Cause(
    "the service signs its key exchange by an algorithm that is not accepted", _LEGACY, old=True
)
_RENEGOTIATION = Cause("the service lacks secure renegotiation (RFC 5746)", _LEGACY, old=True)
_NO_TLS = Cause(
    "what listens on the port does not speak TLS",
    "Check the port. Where the service speaks plain HTTP only, set `redfish.scheme: http`, or "
    "`http://` in `url`. Passwords are then sent in the clear.",
)
_CLIENT = Cause(
    "the service accepts only clients with a certificate of their own",
    "Switch client certificates off in the service, or give one where the document has a field for "
    "it.",
)
_UNKNOWN_NAME = Cause("the service does not know the name it was called by", _NAME)
_INSPECT = "Look into it with `openssl s_client -connect ADDRESS:PORT`."
CONNECTION_CLOSED = Cause(
    "the service closed the connection during the TLS handshake",
    "Its web server may be restarting, or another service uses the port. Some firmware closes the "
    "connection where it has no TLS version or cipher suite in common with its client.",
    old=True,
)

# By a part of OpenSSL's reason; the first match counts.
_CAUSES = (
    ("ALERT_PROTOCOL_VERSION", _VERSION),
    ("UNSUPPORTED_PROTOCOL", _VERSION),
    ("WRONG_SSL_VERSION", _VERSION),
    ("VERSION_TOO_LOW", _VERSION),
    ("ALERT_HANDSHAKE_FAILURE", _CIPHER),
    ("ALERT_INSUFFICIENT_SECURITY", _CIPHER),
    ("ALERT_ILLEGAL_PARAMETER", _CIPHER),
    ("CIPHER", _CIPHER),
    ("DH_KEY_TOO_SMALL", _SMALL_KEY),
    ("BAD_DH_VALUE", _SMALL_KEY),
    ("SIGNATURE", _SIGNATURE),
    ("SIGALG", _SIGNATURE),
    ("LEGACY_RENEGOTIATION", _RENEGOTIATION),
    ("WRONG_VERSION_NUMBER", _NO_TLS),
    ("HTTP_REQUEST", _NO_TLS),
    ("UNKNOWN_PROTOCOL", _NO_TLS),
    ("RECORD_LAYER_FAILURE", _NO_TLS),
    ("PACKET_LENGTH_TOO_LONG", _NO_TLS),
    ("CERTIFICATE_REQUIRED", _CLIENT),
    ("ALERT_NO_CERTIFICATE", _CLIENT),
    ("ALERT_BAD_CERTIFICATE", _CLIENT),
    ("ALERT_UNKNOWN_CA", _CLIENT),
    ("UNRECOGNIZED_NAME", _UNKNOWN_NAME),
    ("UNEXPECTED_EOF", CONNECTION_CLOSED),
)


def cause_of(error: Exception) -> Cause:
    """Return the cause of a failed handshake; without a reason of OpenSSL, the peer closed it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(error)
    reason = getattr(error, "reason", None) if isinstance(error, ssl.SSLError) else "UNEXPECTED_EOF"
    for word, cause in _CAUSES:
        if word in (reason or ""):
            return cause
    return Cause(f"TLS could not be set up: {printable(str(reason or error))}", _INSPECT)


def tls_failed(cause: Cause, offer: str | None = None) -> ReadError:
    """Return the error of a cause.

    `offer` is what a handshake with old TLS agrees on: "" for nothing, None where it was not tried.
    """
    if not offer:
        remedy = cause.remedy if offer is None or cause is CONNECTION_CLOSED else _NOTHING_OLD
        return ReadError(Reason.TLS_FAILED, cause.message, remedy=remedy)
    message = f"{cause.message}: it offers {offer}, which only tls.legacy allows"
    return ReadError(Reason.TLS_FAILED, message, remedy=_LEGACY)


def _certificate(error: ssl.SSLCertVerificationError) -> Cause:
    message = (
        f"the certificate does not verify: {printable(error.verify_message)} (tls has caSecretRef, "
        "serverName and insecureSkipVerify)"
    )
    return Cause(message, _CERTIFICATE.get(error.verify_code, _AUTHORITY))
