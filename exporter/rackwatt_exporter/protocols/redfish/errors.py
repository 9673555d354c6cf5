"""Mapping of a failed HTTP request to a reason and a message."""

import errno
import socket

from rackwatt_exporter.protocols.http.connection import ConnectionClosedError
from rackwatt_exporter.protocols.http.parser import HttpError
from rackwatt_exporter.protocols.http.redaction import quoted
from rackwatt_exporter.reading import ReadError, Reason

_ERRNO = {
    errno.ECONNREFUSED: Reason.CONNECTION_REFUSED,
    errno.ENETUNREACH: Reason.UNREACHABLE,
    errno.EHOSTUNREACH: Reason.UNREACHABLE,
    errno.ENETDOWN: Reason.UNREACHABLE,
    errno.EADDRNOTAVAIL: Reason.UNREACHABLE,
    errno.ETIMEDOUT: Reason.TIMEOUT,
    errno.ECONNRESET: Reason.CONNECTION_REFUSED,
}


def to_read_error(error: Exception) -> ReadError:
    """Map an exception of a connection, other than one of TLS, to a ReadError."""
    if isinstance(error, socket.gaierror):
        return ReadError(Reason.NAME_UNRESOLVED, "the address is a name that does not resolve")
    if isinstance(error, TimeoutError):
        return ReadError(Reason.TIMEOUT, "no response in time")
    if isinstance(error, ConnectionClosedError):
        return ReadError(Reason.BAD_REPLY, "the service closed the connection without a response")
    if isinstance(error, OSError):
        reason = _ERRNO.get(error.errno or 0, Reason.UNREACHABLE)
        return ReadError(reason, f"cannot connect: {error.strerror or type(error).__name__}")
    if isinstance(error, HttpError):
        words = quoted(str(error) or type(error).__name__)
        return ReadError(Reason.BAD_REPLY, f"the response is not valid HTTP: {words}")
    return ReadError(Reason.INVALID_ENTRY, "the address cannot be part of a URL")
