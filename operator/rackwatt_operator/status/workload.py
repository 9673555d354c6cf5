"""Rollout state of a Deployment or a DaemonSet, read from its status."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from rackwatt_operator.kube.resources import ObjectKey


@dataclass(frozen=True, slots=True)
class Workload:
    """Wanted and ready pods, and the reason that the controller gives for missing ones.

    `current` if the controller has observed the latest generation; `uncreated` if it has not
    created all pods.
    """

    name: ObjectKey
    wanted: int
    ready: int
    current: bool
    reason: str = ""
    message: str = ""
    uncreated: bool = False

    def refused(self, message: str) -> "Workload":
        """Return a copy with the reason why pods are not created, if known."""
        if not message:
            return self
        return replace(self, reason="FailedCreate", message=message)


def workload(name: ObjectKey, generation: int, status: Mapping[str, Any]) -> Workload:
    """Parse a status; `generation` is the object's current one."""
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
    """Return reason and message of the first failed condition of a Deployment."""
    for one in conditions:
        if one["type"] == "ReplicaFailure" and one["status"] == "True":
            return one.get("reason", "ReplicaFailure"), one.get("message", "")
    for one in conditions:
        if one["type"] == "Progressing" and one["status"] == "False":
            return one.get("reason", "NotProgressing"), one.get("message", "")
    return "", ""
