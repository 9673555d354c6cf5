"""One pod of Kubernetes as a job of the model.

Pods of DaemonSets and of the kubelet itself (static ones) are part of their nodes: they hold
resources and are no jobs. The account of a job is its namespace.
"""

from collections.abc import Iterator
from sys import intern
from typing import NamedTuple

from rackwatt_exporter.schedulers.kubernetes.amounts import Amount, requested, resources
from rackwatt_exporter.schedulers.kubernetes.objects import (
    ContainerStatus,
    Pod,
    PodStatus,
    Terminated,
    Waiting,
    condition,
    seconds,
)
from rackwatt_exporter.schedulers.model.fields import name
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.job_state import (
    ACTIVE,
    ENDED,
    WAITING,
    JobState,
    normalize_job_state,
)

_PART_OF_THE_NODE = frozenset({"DaemonSet", "Node"})
_ENDS = {"DeadlineExceeded": JobState.TIMEOUT, "NodeLost": JobState.NODE_FAIL}
_SCHEDULED = "PodScheduled"
_GATED = "SchedulingGated"
_PREEMPTED = "PreemptionByScheduler"
_OUT_OF_MEMORY = "OOMKilled"


class PodRecord(NamedTuple):
    """A pod: the node that it holds resources of, if any, how much, and the job that it is."""

    node: str
    held: Amount
    job: Job | None


def pod_record(pod: Pod, user_label: str | None) -> PodRecord:
    """Read a pod; `user_label` is the label that names its user.

    Raises:
        ValueError: a quantity is none.
    """
    held, state, node = requested(pod.spec), _state(pod), intern(name(pod.spec.node_name))
    active = bool(node) and state not in ENDED
    owners = pod.metadata.owners or ()
    if any(one.controller and one.kind in _PART_OF_THE_NODE for one in owners):
        return PodRecord(node if active else "", held, None)
    status, metadata = pod.status, pod.metadata
    job = Job(
        id=name(f"{metadata.namespace}/{metadata.name}"),
        state=state,
        user=name((metadata.labels or {}).get(user_label, "")) if user_label else "",
        account=intern(name(metadata.namespace)),
        qos=intern(name(status.qos_class or "")),
        reason=_reason(pod, state),
        submitted_at_s=seconds(metadata.creation_timestamp),
        started_at_s=seconds(status.start_time),
        ended_at_s=_ended_at_s(status) if state in ENDED else None,
        requested=resources(held) if state in WAITING else None,
        allocated=resources(held) if active else None,
        nodes=(node,) if active else (),
        per_node=(resources(held),) if active else (),
    )
    return PodRecord(node if active else "", held, job)


def _state(pod: Pod) -> str:
    """Return one word for what a pod does."""
    status = pod.status
    if status.phase == "Succeeded":
        return JobState.COMPLETED
    if status.phase == "Failed":
        return _failure(status)
    if pod.metadata.deletion_timestamp is not None and pod.spec.node_name:
        return JobState.COMPLETING
    if status.phase == "Running":
        return JobState.RUNNING
    if status.phase == "Pending":
        if pod.spec.node_name:
            return JobState.CONFIGURING
        scheduled = condition(status.conditions, _SCHEDULED)
        gated = scheduled is not None and scheduled.reason == _GATED
        return JobState.HELD if gated else JobState.PENDING
    return normalize_job_state((status.phase,)).state


def _failure(status: PodStatus) -> str:
    disruption = condition(status.conditions, "DisruptionTarget")
    if disruption is not None and disruption.reason == _PREEMPTED:
        return JobState.PREEMPTED
    if any(end.reason == _OUT_OF_MEMORY for end in _terminated(status)):
        return JobState.OUT_OF_MEMORY
    return _ENDS.get(status.reason or "", JobState.FAILED)


def _reason(pod: Pod, state: str) -> str:
    """Return why a pod waits or has failed, as the first of those that can say it does."""
    status = pod.status
    said = [(status.reason, status.message)]
    if state in WAITING:
        scheduled = condition(status.conditions, _SCHEDULED)
        said += [(scheduled.reason, scheduled.message)] if scheduled else []
    elif state in ACTIVE:
        said += [(one.reason, one.message) for one in _waiting(status)]
    else:
        said += [(one.reason, None) for one in _terminated(status) if one.reason != "Completed"]
    return next((": ".join(filter(None, one)) for one in said if any(one)), "")


def _statuses(status: PodStatus) -> Iterator[ContainerStatus]:
    yield from status.init_container_statuses or ()
    yield from status.container_statuses or ()


def _waiting(status: PodStatus) -> Iterator[Waiting]:
    for one in _statuses(status):
        if one.state and one.state.waiting:
            yield one.state.waiting


def _terminated(status: PodStatus) -> Iterator[Terminated]:
    for one in _statuses(status):
        if one.state and one.state.terminated:
            yield one.state.terminated


def _ended_at_s(status: PodStatus) -> int | None:
    ends = [end for one in _terminated(status) if (end := seconds(one.finished_at))]
    return max(ends, default=None)
