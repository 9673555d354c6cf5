"""Errors of the API server, classified: forbidden, terminating, too large, retriable."""

import re
from typing import Any

import msgspec

_ENDING = "custom resource definition is terminating"
_TOO_LARGE = "request is too large"  # message of etcd, with status 500
_NO_SUCH_FIELD = "failed to create typed patch object"
_LACKS = re.compile(r'cannot (\w+) resource "([^"]+)" in API group "([^"]*)"')


class ApiError(Exception):
    """A rejection, or no response (status 0); the message is the server's own."""

    def __init__(self, status: int, message: str, cause: str = "", wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        self.cause = cause
        self.wait_s = wait_s

    @property
    def forbidden(self) -> tuple[str, str] | None:
        """The missing RBAC right: the verb, and the resource with its group.

        Quotas and admission return 403 as well; only an authoriser says "cannot".
        """
        found = _LACKS.search(str(self)) if self.status == 403 else None
        return (found[1], ".".join(filter(None, found.group(2, 3)))) if found else None

    @property
    def terminating(self) -> str:
        """What is being deleted, so that nothing can be created: Namespace or CRD."""
        if self.cause == "NamespaceTerminating":
            return "Namespace"
        return "CRD" if _ENDING in str(self) else ""

    @property
    def is_duplicate_key(self) -> bool:
        """Whether a keyed list would contain a key twice."""
        return self.cause == "FieldValueDuplicate"

    @property
    def too_large(self) -> bool:
        """Whether the request exceeds what the API server reads or its storage keeps."""
        return self.status == 413 or _TOO_LARGE in str(self)

    @property
    def is_retriable(self) -> bool:
        """Whether the same request may be accepted later, without any change."""
        if self.too_large:
            return False
        failed = self.status >= 500 and _NO_SUCH_FIELD not in str(self)  # which has status 500 too
        return self.status in (0, 404, 409, 429) or failed or bool(self.terminating)


class _Cause(msgspec.Struct):
    reason: str = ""


class _Details(msgspec.Struct):
    causes: list[_Cause] = []


class _Status(msgspec.Struct):
    message: str = ""
    details: _Details | None = None


def from_response(status: int, body: bytes, headers: Any) -> ApiError:
    """Parse a Status object; of any other body, as a proxy's page, keep the beginning."""
    try:
        parsed = msgspec.json.decode(body, type=_Status)
    except msgspec.DecodeError:
        parsed = _Status(body[:200].decode(errors="replace").strip())
    causes = parsed.details.causes if parsed.details else []
    wait = headers.get("Retry-After", "")
    return ApiError(
        status,
        parsed.message or f"HTTP status {status}",
        causes[0].reason if causes else "",
        float(wait) if wait.isascii() and wait.isdigit() else 0.0,
    )
