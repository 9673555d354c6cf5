"""Causes of failed TLS handshakes, and their remedies.

The table of OpenSSL's reasons and verification codes serves every client.
"""

import re
import ssl
from enum import Enum
from typing import NamedTuple

from rackwatt_exporter.printable import printable
from rackwatt_exporter.reading import ReadError, Reason


class Cause(NamedTuple):
    """One cause; `old` where old TLS (`tls.legacy`) may be what the peer needs."""

    message: str
    remedy: str
    old: bool = False


class ClientCertificate(Enum):
    """What a client has of a certificate of its own; the value is the remedy if it is refused."""

    GIVEN = (
        "Have the certificate in the Secret of `tls.clientSecretRef` signed by an authority that "
        "the service trusts, and check its dates."
    )
    NOT_GIVEN = "Name a Secret with a certificate that the service trusts in `tls.clientSecretRef`."
    UNSUPPORTED = (
        "Switch client certificates off in the service: the document has no field for one here."
    )


_AUTHORITY = "Put the certificate's authority into `tls.caSecretRef`."
_DATES = "Renew the certificate, or set the clock of whichever side is wrong."
_NAME = "Set `tls.serverName` to a name in the certificate."
_WEAK = (
    "Replace the certificate by one with a key of 2048 bits and SHA-256. `tls.legacy: true` "
    "accepts weak ones: their signatures can be forged."
)
_TRUST_FIELDS = "caSecretRef, serverName and insecureSkipVerify"
# The fields of `tls` that may help, and the remedy.
_UNTRUSTED = (_TRUST_FIELDS, _AUTHORITY)
_OUTDATED = (_TRUST_FIELDS, _DATES)
_MISNAMED = (_TRUST_FIELDS, _NAME)
_TOO_WEAK = ("legacy and insecureSkipVerify", _WEAK)
_CERTIFICATE = {  # by OpenSSL's verification codes, see openssl-verify(1)
    9: _OUTDATED,
    10: _OUTDATED,
    18: _UNTRUSTED,
    19: _UNTRUSTED,
    20: _UNTRUSTED,
    21: _UNTRUSTED,
    62: _MISNAMED,
    64: _MISNAMED,
    66: _TOO_WEAK,
    67: _TOO_WEAK,
    68: _TOO_WEAK,
}

_LEGACY = (
    "Update the firmware. If that does not help, set `tls.legacy: true` in the entry: it offers "
    "TLS 1.0 and 1.1, RSA key exchange and SHA-1. An attacker on the network path may then read "
    "the password."
)
_NOTHING_OLD = (
    "`tls.legacy` does not help. The service may know only what OpenSSL has dropped: update its "
    "software; a BMC can be read through IPMI or SNMP."
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
    ("UNRECOGNIZED_NAME", _UNKNOWN_NAME),
    ("UNEXPECTED_EOF", CONNECTION_CLOSED),
)
# Alerts about the client's certificate.
_OF_CLIENT = (
    "CERTIFICATE_REQUIRED",
    "ALERT_NO_CERTIFICATE",
    "ALERT_BAD_CERTIFICATE",
    "ALERT_UNSUPPORTED_CERTIFICATE",
    "ALERT_CERTIFICATE_REVOKED",
    "ALERT_CERTIFICATE_EXPIRED",
    "ALERT_CERTIFICATE_UNKNOWN",
    "ALERT_UNKNOWN_CA",
    "ALERT_ACCESS_DENIED",
)
# Pages of nginx (400) and IIS (403), which accept the handshake and refuse each request.
_REFUSING_STATUS = (400, 403)
_REFUSING_PAGE = re.compile(
    rb"no required ssl certificate|the ssl certificate error|client certificate (?:is )?required",
    re.IGNORECASE,
)


def client_refused(client: ClientCertificate) -> Cause:
    """Return the cause of a service that does not accept this client."""
    if client is ClientCertificate.GIVEN:
        message = "the service does not accept the client certificate of tls.clientSecretRef"
    elif client is ClientCertificate.NOT_GIVEN:
        message = "the service requires a client certificate, which tls.clientSecretRef gives it"
    else:
        message = "the service requires a client certificate"
    return Cause(message, client.value)


def raise_if_client_refused(status: int, body: bytes, client: ClientCertificate) -> None:
    """Check a response for a page that requires a client certificate.

    Raises:
        ReadError: tls_failed.
    """
    if status in _REFUSING_STATUS and _REFUSING_PAGE.search(body[:4096]):
        raise tls_failed(client_refused(client))


def cause_of(error: Exception, client: ClientCertificate) -> Cause:
    """Return the cause of a failed handshake; without a reason of OpenSSL, the peer closed it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(error)
    reason = getattr(error, "reason", None) if isinstance(error, ssl.SSLError) else "UNEXPECTED_EOF"
    if any(word in (reason or "") for word in _OF_CLIENT):
        return client_refused(client)
    for word, cause in _CAUSES:
        if word in (reason or ""):
            return cause
    return Cause(f"TLS could not be set up: {printable(str(reason or error))}", _INSPECT)


def tls_failed(cause: Cause, offer: str | None = None) -> ReadError:
    """Return the error of a cause.

    `offer` says what a peer offers by old TLS: "" for nothing, None where it was not tried.
    """
    if not offer:
        remedy = cause.remedy if offer is None or cause is CONNECTION_CLOSED else _NOTHING_OLD
        return ReadError(Reason.TLS_FAILED, cause.message, remedy=remedy)
    message = f"{cause.message}: {offer}, which only tls.legacy allows"
    return ReadError(Reason.TLS_FAILED, message, remedy=_LEGACY)


def _certificate(error: ssl.SSLCertVerificationError) -> Cause:
    fields, remedy = _CERTIFICATE.get(error.verify_code, _UNTRUSTED)
    message = (
        f"the certificate does not verify: {printable(error.verify_message)} (tls has {fields})"
    )
    return Cause(message, remedy)
