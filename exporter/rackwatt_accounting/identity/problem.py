"""Refusals, and how HTTP clients read them: problem details.

A refusal never depends on whether the thing that a client wants exists. The detail is about what
the client sent, and repeats none of it: it may be a token.

RFC 9457, "Problem Details for HTTP APIs".
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

CONTENT_TYPE = "application/problem+json"
FORBIDDEN = "this caller may not see that, or there is no such thing"
# RFC 9110, section 11.6.1: a response with 401 names at least one scheme.
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="rackwatt"'}


class RefusedError(Exception):
    """A request is refused: with a status, a word that is counted, and a detail for the client."""

    def __init__(self, status: HTTPStatus, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.reason, self.detail = status, reason, detail


def unauthenticated(reason: str, detail: str) -> RefusedError:
    """Make the refusal of a client that has not shown who it is."""
    return RefusedError(HTTPStatus.UNAUTHORIZED, reason, detail)


def forbidden(reason: str = "forbidden") -> RefusedError:
    """Make the refusal of what a caller may not see; it is the same where it does not exist."""
    return RefusedError(HTTPStatus.FORBIDDEN, reason, FORBIDDEN)


def problem(
    status: HTTPStatus, detail: str, members: Mapping[str, Any] | None = None
) -> web.Response:
    """Make a response with problem details; `members` are more of them (RFC 9457, section 3.2)."""
    body = {"type": "about:blank", "title": status.phrase, "status": int(status), "detail": detail}
    headers = {"Cache-Control": "no-store"}
    if status is HTTPStatus.UNAUTHORIZED:
        headers |= _CHALLENGE
    return web.Response(
        status=status,
        body=msgspec.json.encode(body | dict(members or {})),
        content_type=CONTENT_TYPE,
        headers=headers,
    )
