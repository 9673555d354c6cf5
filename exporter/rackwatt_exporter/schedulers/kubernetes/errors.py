"""Refusals of the API server: the reason of a response, and the right that is missing."""

import re

import msgspec

from rackwatt_exporter.protocols.http.redaction import quoted
from rackwatt_exporter.reading import ReadError, Reason

GONE = 410
"""Status of a request for a version that the API server no longer has."""

_MAX_WORDS = 300
_ACCOUNT = re.compile(r'User "system:serviceaccount:([a-z0-9-]{1,63}):([a-z0-9.-]{1,253})"')
_USER = re.compile(r'User "([A-Za-z0-9@._:-]{1,253})"')
_ROLE = "rackwatt-kubernetes-scheduler"


class Status(msgspec.Struct):
    """The object that describes a failure."""

    message: str | None = None
    code: int | None = None


def refusal(status: int, body: bytes, path: str) -> ReadError:
    """Return the reason for a response that is not what was requested."""
    try:
        said = msgspec.json.decode(body, type=Status).message
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        said = None
    said = said or quoted(body, _MAX_WORDS)
    message = quoted(said, _MAX_WORDS) or f"status {status}, without a word"
    if status == 401:
        text = f"the API server does not accept the token or certificate: {message}"
        return ReadError(Reason.AUTH_FAILED, text)
    if status == 403:
        text = f"{message} (docs/kubernetes.md#rights says what grants it)"
        return ReadError(Reason.PRIVILEGE_INSUFFICIENT, text, remedy=grant(said))
    return ReadError(Reason.BAD_REPLY, f"{path} gives status {status}: {message}")


def grant(message: str) -> str:
    """Return what grants the rights that the API server's message says are missing."""
    account, user = _ACCOUNT.search(message), _USER.search(message)
    if account:
        subject = f"--serviceaccount={account[1]}:{account[2]}"
    else:
        subject = f"--user={user[1] if user else 'USER'}"
    return (
        "In the cluster of that API server: "
        f"`kubectl create clusterrole {_ROLE} --verb=list,watch --resource=nodes,pods`, unless it "
        f"exists, and `kubectl create clusterrolebinding {_ROLE} --clusterrole={_ROLE} {subject}`. "
        "docs/kubernetes.md#rights says what the operator grants."
    )
