"""What a failed HTTP request means: one of our reasons, in words that help."""

import errno
import socket
import ssl

import aiohttp

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
    """Turn what aiohttp raises into a ReadError."""
    cause = _cause(error)
    if isinstance(cause, ssl.SSLError | ssl.CertificateError):
        return ReadError(Reason.TLS_FAILED, _tls(cause))
    if isinstance(error, aiohttp.ClientConnectorDNSError) or isinstance(cause, socket.gaierror):
        return ReadError(Reason.NAME_UNRESOLVED, "the address is a name that does not resolve")
    if isinstance(error, TimeoutError):
        return ReadError(Reason.TIMEOUT, "no answer in time")
    if isinstance(error, aiohttp.InvalidURL):
        return ReadError(Reason.INVALID_ENTRY, "the address cannot be part of a URL")
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return ReadError(Reason.BAD_REPLY, "the service hung up without an answer")
    if isinstance(cause, OSError):
        reason = _ERRNO.get(cause.errno or 0, Reason.UNREACHABLE)
        return ReadError(reason, f"cannot connect: {cause.strerror or type(cause).__name__}")
    return ReadError(Reason.BAD_REPLY, f"the answer is not HTTP as it should be: {_words(error)}")


def _cause(error: Exception) -> BaseException:
    """Find what lies under aiohttp's wrapping."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return error.certificate_error
    if isinstance(error, aiohttp.ClientConnectorError):
        return error.os_error
    return error


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
