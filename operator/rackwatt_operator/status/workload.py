"""What a Deployment or a DaemonSet has come to, read from its status."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from rackwatt_operator.kube.resources import ObjectKey


@dataclass(frozen=True, slots=True)
class Workload:
    """How many pods there should be, how many are ready, and what the controller says is wrong.

    `current` if the controller has seen what is wanted now; `uncreated` if pods are missing that it
    has not even made.
    """

    name: ObjectKey
    wanted: int
    ready: int
    current: bool
    reason: str = ""
    message: str = ""
    uncreated: bool = False

    def refused(self, message: str) -> "Workload":
        """Add why pods are not made, if that is known."""
        if not message:
            return self
        return replace(self, reason="FailedCreate", message=message)


def workload(name: ObjectKey, generation: int, status: Mapping[str, Any]) -> Workload:
    """Read a status; `generation` is that of the object now."""
    read = _daemon_set if name.kind == "DaemonSet" else _deployment
    return read(name, status.get("observedGeneration", 0) >= generation, status)


def _deployment(name: ObjectKey, current: bool, status: Mapping[str, Any]) -> Workload:
    reason, message = _wrong(status.get("conditions") or ())
    ready = min(status.get("readyReplicas", 0), status.get("updatedReplicas", 0))
    return Workload(name, 1, ready, current, reason, message)


def _daemon_set(name: ObjectKey, current: bool, status: Mapping[str, Any]) -> Workload:
    wanted = status.get("desiredNumberScheduled", 0)
    ready = min(status.get("numberReady", 0), status.get("updatedNumberScheduled", 0))
    uncreated = status.get("currentNumberScheduled", 0) < wanted
    return Workload(name, wanted, ready, current, uncreated=uncreated)


def _wrong(conditions: Any) -> tuple[str, str]:
    """Tell what a Deployment's controller complains of."""
    for one in conditions:
        if one["type"] == "ReplicaFailure" and one["status"] == "True":
            return one.get("reason", "ReplicaFailure"), one.get("message", "")
    for one in conditions:
        if one["type"] == "Progressing" and one["status"] == "False":
            return one.get("reason", "NotProgressing"), one.get("message", "")
    return "", ""
