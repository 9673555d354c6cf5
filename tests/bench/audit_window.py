"""Activity of a client in a window of time: its calls in the audit log, and processor time."""

from collections import Counter
from dataclasses import dataclass

from rackwatt_operator.kube.resources import CHILDREN
from tests.bench.process import cost
from tests.cluster.audit import AuditLog, Call
from tests.cluster.controlplane import ControlPlane

_PLURALS = frozenset(kind.plural for kind in CHILDREN)
_LEASES = "leases"


@dataclass(frozen=True, slots=True)
class Activity:
    """Calls of a client, and seconds of processor time of the client and of the API server."""

    calls: list[Call]
    cpu_s: float
    server_cpu_s: float

    @property
    def verbs(self) -> Counter[str]:
        """Count its calls by verb; those for its Lease are not among them."""
        return Counter(call.verb for call in self.calls if call.resource != _LEASES)

    @property
    def renewals(self) -> int:
        """Count its calls for its Lease."""
        return sum(call.resource == _LEASES for call in self.calls)

    @property
    def writes(self) -> int:
        """Count its calls that change an object, its Lease apart."""
        return sum(is_change(call) for call in self.calls)

    @property
    def applies(self) -> list[Call]:
        """List the applies of children that were accepted."""
        return [
            call
            for call in self.calls
            if call.verb == "patch" and call.resource in _PLURALS and call.code < 300
        ]


class Meter:
    """Activity of a client since the meter was created.

    Without `pid`, the client's process is expected to start after the meter.
    """

    def __init__(self, plane: ControlPlane, user: str, pid: int | None = None) -> None:
        self._user = user
        self._server = plane.api_server.pid
        self._log = audit_log(plane)
        self._before_s = cost(pid).cpu_s if pid else 0.0
        self._server_before_s = cost(self._server).cpu_s

    def activity(self, pid: int) -> Activity:
        """Return the client's calls until now, and their cost to its process and the API server."""
        spent_s = cost(pid).cpu_s - self._before_s
        server_s = cost(self._server).cpu_s - self._server_before_s
        return Activity(self._log.calls(self._user), spent_s, server_s)


def audit_log(plane: ControlPlane) -> AuditLog:
    """Read a control plane's audit log from here on."""
    log = AuditLog(plane.directory / "audit.jsonl")
    log.mark()
    return log


def is_change(call: Call) -> bool:
    """Return whether a call changes an object; Leases and access reviews do not count."""
    return call.writes and call.resource not in (_LEASES, "selfsubjectaccessreviews")
