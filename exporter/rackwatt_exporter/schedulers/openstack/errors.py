"""ReadErrors for the responses of OpenStack's services that are not what was requested."""

from rackwatt_exporter.protocols.http.client import HttpResponse
from rackwatt_exporter.protocols.http.error_words import error_words
from rackwatt_exporter.protocols.http.redaction import quoted
from rackwatt_exporter.reading import ReadError, Reason

_REASONS = {
    401: Reason.AUTH_FAILED,
    403: Reason.PRIVILEGE_INSUFFICIENT,
    429: Reason.UNREACHABLE,
    502: Reason.UNREACHABLE,
    503: Reason.UNREACHABLE,
    504: Reason.UNREACHABLE,
}
_HINTS = {
    300: "it lists API versions there: is this the URL of the service?",
    401: "it does not accept the token",
    403: "the user lacks a role that may read this",
    404: "is this the URL of the service?",
    406: "it does not have this version of its API",
    429: "it limits the rate of requests",
    503: "the service is overloaded or down",
}
_REMEDIES = {
    403: "Give the user a role that may read it: `admin` for Nova and Placement, `reader` in the "
    "system scope (`password.systemScope: all`) for Ironic; or list in `services` only what the "
    "user may read.",
}


def refusal(response: HttpResponse, what: str) -> ReadError:
    """Return the error of a response with another status than was expected; `what` names it."""
    status = response.status
    reason = _REASONS.get(status, Reason.BAD_REPLY)
    hint = f": {_HINTS[status]}" if status in _HINTS else ""
    message = error_words(response.body)
    text = f"{what} has status {status}{hint}{message and f' ({message})'}"
    return ReadError(reason, text, remedy=_REMEDIES.get(status))


def malformed(body: bytes, what: str, error: Exception) -> ReadError:
    """Return the error of a body that is not what the API documents."""
    if body.lstrip()[:1] == b"<":
        page = f" ({title})" if (title := error_words(body)) else ""
        message = f"{what} is a page of HTML{page}, not JSON: is this the URL of the service?"
        return ReadError(Reason.BAD_REPLY, message)
    return ReadError(Reason.BAD_REPLY, f"{what} is malformed: {quoted(str(error), 160)}")
