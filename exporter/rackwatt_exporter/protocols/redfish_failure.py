"""What a failed HTTP request means: one of our reasons, in words that help."""

import errno
import socket
import ssl

from rackwatt_exporter.protocols.http_answer import HttpError
from rackwatt_exporter.protocols.http_connection import HungUpError
from rackwatt_exporter.reading import ReadError, Reason

_ERRNO = {
    errno.ECONNREFUSED: Reason.REFUSED,
    errno.ENETUNREACH: Reason.UNREACHABLE,
    errno.EHOSTUNREACH: Reason.UNREACHABLE,
    errno.ENETDOWN: Reason.UNREACHABLE,
    errno.EADDRNOTAVAIL: Reason.UNREACHABLE,
    errno.ETIMEDOUT: Reason.TIMEOUT,
    errno.ECONNRESET: Reason.REFUSED,
}


def failure(error: Exception) -> ReadError:
    """Turn what a connection raises into a ReadError."""
    if isinstance(error, ssl.SSLError):
        return ReadError(Reason.TLS_FAILED, _tls(error))
    if isinstance(error, socket.gaierror):
        return ReadError(Reason.NAME_UNRESOLVED, "the address is a name that does not resolve")
    if isinstance(error, TimeoutError):
        return ReadError(Reason.TIMEOUT, "no answer in time")
    if isinstance(error, HungUpError):
        return ReadError(Reason.BAD_REPLY, "the service hung up without an answer")
    if isinstance(error, OSError):
        reason = _ERRNO.get(error.errno or 0, Reason.UNREACHABLE)
        return ReadError(reason, f"cannot connect: {error.strerror or type(error).__name__}")
    if isinstance(error, HttpError):
        told = f"the answer is not HTTP as it should be: {_words(error)}"
        return ReadError(Reason.BAD_REPLY, told)
    return ReadError(Reason.INVALID_ENTRY, "the address cannot be part of a URL")


def _tls(cause: BaseException) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"the certificate does not verify: {cause.verify_message} (redfish.tls has "
            "caSecretRef, serverName and insecureSkipVerify)"
        )
    reason = getattr(cause, "reason", None) or type(cause).__name__
    return f"TLS could not be set up: {reason}"


def _words(error: Exception) -> str:
    return "".join(c for c in (str(error) or type(error).__name__) if c.isprintable())[:200]
