"""Requests to an API server, read from its audit log: user, verb and object.

Tests count with it: that an operator at rest writes nothing, that a role grants what is used and
nothing besides.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

POLICY = """apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
"""
READING = frozenset({"get", "list", "watch"})


@dataclass(frozen=True)
class Call:
    """One request, as the API server understood it.

    `code` is its HTTP status; `received_s` and `done_s` are when it came and when it was answered, in
    seconds since 1970 by that server's clock.
    """

    user: str
    agent: str
    verb: str
    group: str
    resource: str
    namespace: str
    name: str
    uri: str
    code: int
    received_s: float
    done_s: float

    @property
    def writes(self) -> bool:
        """Return whether the request was a write."""
        return self.verb not in READING


class AuditLog:
    """The calls since a moment; `mark` starts again. Calls read before are kept."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._seen: dict[str, Call] = {}

    def mark(self) -> None:
        """Forget the calls until now; one whose line is half written is still to come."""
        self._lines()
        self._seen.clear()

    def calls(self, user: str | None = None, agent: str = "") -> list[Call]:
        """List the calls since the mark: of a user, and of clients whose name begins so.

        A request that is still open, as a watch, counts once. A service account's user name is
        `system:serviceaccount:NAMESPACE:NAME`. A resource has its subresource:
        `powertargets/status`.
        """
        for line in self._lines():
            event = msgspec.json.decode(line)
            self._seen[event["auditID"]] = _call(event)
        return [
            call
            for call in self._seen.values()
            if user in (None, call.user) and call.agent.startswith(agent)
        ]

    def writes(self, user: str | None = None, agent: str = "") -> list[Call]:
        """Return the writes."""
        return [call for call in self.calls(user, agent) if call.writes]

    def _lines(self) -> list[bytes]:
        """Read the whole lines that are new: the API server may be in the middle of another.

        Not line by line: that gives the half that is there at the end, and then the other alone.
        """
        with self._path.open("rb") as log:
            log.seek(self._read)
            content = log.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._read += len(whole)
        return whole.splitlines()


def _call(event: dict[str, Any]) -> Call:
    about = event.get("objectRef", {})
    parts = (about.get("resource", ""), about.get("subresource", ""))
    return Call(
        user=event["user"].get("username", ""),
        agent=event.get("userAgent", ""),
        verb=event["verb"],
        group=about.get("apiGroup", ""),
        resource="/".join(filter(None, parts)),
        namespace=about.get("namespace", ""),
        name=about.get("name", ""),
        uri=event["requestURI"],
        code=event.get("responseStatus", {}).get("code", 0),
        received_s=datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp(),
        done_s=datetime.fromisoformat(event["stageTimestamp"]).timestamp(),
    )
