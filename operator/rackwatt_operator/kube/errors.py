"""What an API server answers instead of doing what it was asked."""

import re
from typing import Any

import msgspec

_ENDING = "custom resource definition is terminating"
_TOO_LARGE = "request is too large"  # etcd's words, behind a status 500
_NO_SUCH_FIELD = "failed to create typed patch object"
_LACKS = re.compile(r'cannot (\w+) resource "([^"]+)" in API group "([^"]*)"')


class ApiError(Exception):
    """A refusal, or no answer at all (status 0); the message is the server's own."""

    def __init__(self, status: int, message: str, cause: str = "", wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        self.cause = cause
        self.wait_s = wait_s

    @property
    def forbidden(self) -> tuple[str, str] | None:
        """Which right we lack, by the rules of RBAC: the verb, and the resource with its group.

        Quotas and admission answer 403 as well; only an authoriser says "cannot".
        """
        found = _LACKS.search(str(self)) if self.status == 403 else None
        return (found[1], ".".join(filter(None, found.group(2, 3)))) if found else None

    @property
    def terminating(self) -> str:
        """What is on its way out, so that nothing new comes into being: Namespace, Kind."""
        if self.cause == "NamespaceTerminating":
            return "Namespace"
        return "CRD" if _ENDING in str(self) else ""

    @property
    def doubled(self) -> bool:
        """Whether a list of items with keys would hold one twice."""
        return self.cause == "FieldValueDuplicate"

    @property
    def too_large(self) -> bool:
        """Whether it is more than the API server reads, or than its storage keeps in one object."""
        return self.status == 413 or _TOO_LARGE in str(self)

    @property
    def passing(self) -> bool:
        """Whether the same may well be accepted later: nobody has to change anything."""
        if self.too_large:
            return False
        failed = self.status >= 500 and _NO_SUCH_FIELD not in str(self)  # which answers 500 too
        return self.status in (0, 404, 409, 429) or failed or bool(self.terminating)


class _Cause(msgspec.Struct):
    reason: str = ""


class _Details(msgspec.Struct):
    causes: list[_Cause] = []


class _Status(msgspec.Struct):
    message: str = ""
    details: _Details | None = None


def refusal(status: int, body: bytes, headers: Any) -> ApiError:
    """Read a Status object; what is none, as a proxy's page, is told in brief."""
    try:
        told = msgspec.json.decode(body, type=_Status)
    except msgspec.DecodeError:
        told = _Status(body[:200].decode(errors="replace").strip())
    causes = told.details.causes if told.details else []
    wait = headers.get("Retry-After", "")
    return ApiError(
        status,
        told.message or f"HTTP status {status}",
        causes[0].reason if causes else "",
        float(wait) if wait.isascii() and wait.isdigit() else 0.0,
    )
