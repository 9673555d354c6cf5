"""Fields of nodes and pods that a snapshot is made of, as the core API v1 spells them.

An object has some ten kilobytes, most of which is passed over: only these fields become Python
objects, and only while the object is read.
"""

from datetime import datetime

import msgspec
from msgspec import field

Requests = dict[str, str]


class Condition(msgspec.Struct, frozen=True, gc=False):
    """A condition of a node or a pod."""

    type: str
    status: str
    reason: str | None = None
    message: str | None = None
    last_transition_time: datetime | None = field(default=None, name="lastTransitionTime")


class Taint(msgspec.Struct, frozen=True, gc=False):
    """A taint of a node."""

    key: str
    time_added: datetime | None = field(default=None, name="timeAdded")


class NodeSpec(msgspec.Struct, frozen=True, gc=False):
    """What is wanted of a node."""

    unschedulable: bool = False
    taints: list[Taint] | None = None


class NodeStatus(msgspec.Struct, frozen=True, gc=False):
    """What a node reports."""

    allocatable: Requests | None = None
    conditions: list[Condition] | None = None


class NodeMetadata(msgspec.Struct, frozen=True, gc=False):
    """Metadata of a node."""

    name: str


class Node(msgspec.Struct, frozen=True, gc=False):
    """A node."""

    metadata: NodeMetadata
    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()


class Owner(msgspec.Struct, frozen=True, gc=False):
    """An owner of a pod."""

    kind: str
    controller: bool | None = None


class PodMetadata(msgspec.Struct, frozen=True, gc=False):
    """Metadata of a pod."""

    name: str
    namespace: str
    creation_timestamp: datetime | None = field(default=None, name="creationTimestamp")
    deletion_timestamp: datetime | None = field(default=None, name="deletionTimestamp")
    labels: dict[str, str] | None = None
    owners: list[Owner] | None = field(default=None, name="ownerReferences")


class ResourceRequirements(msgspec.Struct, frozen=True, gc=False):
    """What a container or a pod requests."""

    requests: Requests | None = None


class Container(msgspec.Struct, frozen=True, gc=False):
    """A container of a pod; one of `initContainers` with restartPolicy Always is a sidecar."""

    resources: ResourceRequirements | None = None
    restart_policy: str | None = field(default=None, name="restartPolicy")


class PodSpec(msgspec.Struct, frozen=True, gc=False):
    """What is wanted of a pod."""

    containers: list[Container] | None = None
    init_containers: list[Container] | None = field(default=None, name="initContainers")
    resources: ResourceRequirements | None = None
    overhead: Requests | None = None
    node_name: str = field(default="", name="nodeName")


class Waiting(msgspec.Struct, frozen=True, gc=False):
    """Why a container does not run."""

    reason: str | None = None
    message: str | None = None


class Terminated(msgspec.Struct, frozen=True, gc=False):
    """How a container ended."""

    reason: str | None = None
    finished_at: datetime | None = field(default=None, name="finishedAt")


class ContainerState(msgspec.Struct, frozen=True, gc=False):
    """State of a container."""

    waiting: Waiting | None = None
    terminated: Terminated | None = None


class ContainerStatus(msgspec.Struct, frozen=True, gc=False):
    """Status of a container."""

    state: ContainerState | None = None


class PodStatus(msgspec.Struct, frozen=True, gc=False):
    """What a pod reports."""

    phase: str = ""
    reason: str | None = None
    message: str | None = None
    start_time: datetime | None = field(default=None, name="startTime")
    qos_class: str | None = field(default=None, name="qosClass")
    conditions: list[Condition] | None = None
    container_statuses: list[ContainerStatus] | None = field(default=None, name="containerStatuses")
    init_container_statuses: list[ContainerStatus] | None = field(
        default=None, name="initContainerStatuses"
    )


class Pod(msgspec.Struct, frozen=True, gc=False):
    """A pod."""

    metadata: PodMetadata
    spec: PodSpec
    status: PodStatus = PodStatus()


def condition(conditions: list[Condition] | None, kind: str) -> Condition | None:
    """Return the condition of a type."""
    return next((one for one in conditions or () if one.type == kind), None)


def seconds(time: datetime | None) -> int | None:
    """Return a time in whole seconds since the epoch; None for the zero time of Go."""
    return int(time.timestamp()) if time is not None and time.year > 1970 else None
