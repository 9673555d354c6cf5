"""States of pods as states of jobs, and what any object of the API can do to them."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.schedulers import relay
from rackwatt_exporter.schedulers.kubernetes.nodes import node_record
from rackwatt_exporter.schedulers.kubernetes.objects import Node, Pod
from rackwatt_exporter.schedulers.kubernetes.pods import PodRecord, pod_record
from rackwatt_exporter.schedulers.kubernetes.snapshot import snapshot
from rackwatt_exporter.schedulers.model.job import Job

DELETED = "2026-11-30T12:00:00Z"


def pod(node: str = "n1", metadata: dict[str, Any] | None = None, **status: Any) -> PodRecord:
    """Read a pod with a container that requests one CPU."""
    named = {"name": "p", "namespace": "team", **(metadata or {})}
    spec = {"nodeName": node, "containers": [{"resources": {"requests": {"cpu": "1"}}}]}
    return pod_record(
        msgspec.convert({"metadata": named, "spec": spec, "status": status}, Pod), None
    )


def job(node: str = "n1", metadata: dict[str, Any] | None = None, **status: Any) -> Job:
    made = pod(node, metadata, **status).job
    assert made is not None
    return made


def ended(reason: str, at: str = DELETED) -> dict[str, Any]:
    return {"containerStatuses": [{"state": {"terminated": {"reason": reason, "finishedAt": at}}}]}


def why(kind: str, reason: str, message: str = "") -> dict[str, Any]:
    one = {"type": kind, "status": "True", "reason": reason, "message": message}
    return {"conditions": [one]}


@pytest.mark.parametrize(
    ("made", "state", "reason"),
    [
        (job("", phase="Pending"), "pending", ""),
        (
            job("", phase="Pending", **why("PodScheduled", "Unschedulable", "0/3 nodes")),
            "pending",
            "Unschedulable: 0/3 nodes",
        ),
        (
            job("", phase="Pending", **why("PodScheduled", "SchedulingGated")),
            "held",
            "SchedulingGated",
        ),
        (
            job(
                phase="Pending",
                containerStatuses=[
                    {"state": {"waiting": {"reason": "ImagePullBackOff", "message": "no image"}}}
                ],
            ),
            "configuring",
            "ImagePullBackOff: no image",
        ),
        (job(phase="Running"), "running", ""),
        (job(metadata={"deletionTimestamp": DELETED}, phase="Running"), "completing", ""),
        (job(phase="Succeeded", **ended("Completed")), "completed", ""),
        (job(phase="Failed", **ended("Error")), "failed", "Error"),
        (job(phase="Failed", **ended("OOMKilled")), "out_of_memory", "OOMKilled"),
        (job(phase="Failed", reason="DeadlineExceeded"), "timeout", "DeadlineExceeded"),
        (job(phase="Failed", reason="NodeLost"), "node_fail", "NodeLost"),
        (
            job(phase="Failed", **why("DisruptionTarget", "PreemptionByScheduler")),
            "preempted",
            "",
        ),
        (job(phase="Unknown", reason="NodeLost"), "unknown", "NodeLost"),
        (job(phase="Hibernated"), "hibernated", ""),
    ],
)
def test_the_state_of_a_pod_is_one_word_with_its_reason(made: Job, state: str, reason: str) -> None:
    assert (made.state, made.reason) == (state, reason)


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_has_ended_holds_nothing_and_says_when(phase: str) -> None:
    record = pod(phase=phase, **ended("Completed"))
    assert record.job is not None
    assert (record.node, record.job.nodes, record.job.allocated) == ("", (), None)
    assert record.job.ended_at_s == 1796040000


def test_a_pod_that_waits_requests_and_one_that_is_bound_holds() -> None:
    waiting, bound = job("", phase="Pending"), job(phase="Pending")
    assert waiting.requested is not None
    assert waiting.allocated is None
    assert (bound.requested, bound.allocated) == (None, waiting.requested)


@pytest.mark.parametrize("kind", ["DaemonSet", "Node"])
def test_a_pod_that_belongs_to_its_node_is_no_job(kind: str) -> None:
    owned = {"ownerReferences": [{"kind": kind, "controller": True}]}
    record = pod(metadata=owned, phase="Running")
    assert (record.node, record.held.millicpus, record.job) == ("n1", 1000, None)


TEXTS = st.text(max_size=400) | st.sampled_from(
    ["Running", "Pending", "Failed", "Ready", "True", "n1", "1", "1Gi", "cpu", "nvidia.com/gpu"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def objects(model: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    return st.from_type(model).map(msgspec.json.encode)


@given(
    st.lists(objects(Node) | VALUES.map(msgspec.json.encode), max_size=4),
    st.lists(objects(Pod), max_size=4),
)
def test_whatever_objects_there_are_the_snapshot_keeps_to_its_bounds(
    nodes: list[bytes], pods: list[bytes]
) -> None:
    known: dict[str, Any] = {}
    for number, raw in enumerate(nodes):
        try:
            known[f"n{number}"] = node_record(msgspec.json.decode(raw, type=Node))
        except (ValueError, msgspec.MsgspecError):
            known[f"n{number}"] = None
    held: dict[str, PodRecord | None] = {}
    for number, raw in enumerate(pods):
        try:
            held[str(number)] = pod_record(msgspec.json.decode(raw, type=Pod), "user")
        except (ValueError, msgspec.MsgspecError):
            held[str(number)] = None
    made = snapshot(known, held)
    assert relay.decode(relay.encode(made)) == made
    assert len(made.nodes) + made.unread == len(nodes)
    assert len(made.jobs or ()) + made.unread_jobs <= len(pods)
