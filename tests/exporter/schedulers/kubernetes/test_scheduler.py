"""Nodes and pods of a real API server, as they are and as they change."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.kubernetes.scheduler import KubernetesScheduler
from rackwatt_exporter.schedulers.model.job import Job
from rackwatt_exporter.schedulers.model.node import SchedulerNode
from rackwatt_exporter.schedulers.model.resources import Gres, Resources
from tests.cluster.controlplane import ControlPlane
from tests.eventually import PATIENCE_S, eventually
from tests.exporter.schedulers.kubernetes.cluster_objects import (
    CAPACITY,
    Stage,
    container,
    reader,
    server,
)
from tests.operator.fault_proxy import proxied

LOOPS = ("attended",)


@asynccontextmanager
async def watching(
    stage: Stage,
    token: Path,
    url: str = "",
    silence_s: float = PATIENCE_S,
    label: str | None = None,
) -> AsyncIterator[KubernetesScheduler]:
    made = KubernetesScheduler(
        server(stage.control_plane, token, url), PATIENCE_S, label, silence_s
    )
    try:
        yield made
    finally:
        await made.close()


async def nodes_of(stage: Stage, scheduler: KubernetesScheduler) -> dict[str, SchedulerNode]:
    """Return the nodes of a stage, without its prefix."""
    found = (await scheduler.read()).nodes
    start = f"{stage.prefix}-"
    return {
        name.removeprefix(start): node for name, node in found.items() if name.startswith(start)
    }


async def jobs_of(stage: Stage, scheduler: KubernetesScheduler) -> dict[str, Job]:
    """Return the jobs of a stage, by the names of their pods."""
    jobs = (await scheduler.read()).jobs or ()
    start = f"{stage.namespace}/"
    return {job.id.removeprefix(start): job for job in jobs if job.id.startswith(start)}


def owned_by_the_kubelet(stage: Stage, node: str) -> dict[str, object]:
    """Return metadata of the mirror of a static pod."""
    uid = stage.api.get(f"/api/v1/nodes/{node}")["metadata"]["uid"]
    owner = {"apiVersion": "v1", "kind": "Node", "name": node, "uid": uid, "controller": True}
    return {"annotations": {"kubernetes.io/config.mirror": "1"}, "ownerReferences": [owner]}


async def test_a_node_is_allocated_by_pods_that_request_resources(
    stage: Stage, token: Path
) -> None:
    for name in ("idle", "mixed", "full", "memory", "best-effort", "static", "ended"):
        stage.node(name)
    at = f"{stage.prefix}-"
    stage.pod("mixed", f"{at}mixed")
    stage.pod("full", f"{at}full", requests={"cpu": "8"})
    stage.pod("memory", f"{at}memory", requests={"memory": "32Gi"})
    stage.pod("best-effort", f"{at}best-effort", requests={})
    mirror = owned_by_the_kubelet(stage, f"{at}static")
    stage.pod("static", f"{at}static", metadata=mirror, automountServiceAccountToken=False)
    stage.pod("ended", f"{at}ended")
    stage.report("ended", phase="Succeeded")
    async with watching(stage, token) as scheduler:
        found = await nodes_of(stage, scheduler)
    assert {name: node.state for name, node in found.items()} == {
        "idle": "idle",
        "mixed": "mixed",
        "full": "allocated",
        "memory": "allocated",
        "best-effort": "idle",
        "static": "idle",
        "ended": "idle",
    }
    assert found["static"].allocated == Resources(1, 2**30, ())
    assert found["ended"].allocated == Resources(0, 0, ())


async def test_a_pod_of_a_daemon_set_holds_resources_and_is_no_job(
    stage: Stage, token: Path
) -> None:
    node = stage.node("one")
    template = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {
            "containers": [container({"cpu": "250m"})],
            "nodeSelector": {"rackwatt.test/stage": stage.prefix},
        },
    }
    stage.kubectl.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": {"name": "daemon", "namespace": stage.namespace},
            "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template},
        }
    )
    (pod,) = stage.kubectl.until(lambda kubectl: kubectl.items("pods"))
    binding = {"metadata": {"name": pod["metadata"]["name"]}, "target": {"name": node}}
    path = f"/api/v1/namespaces/{stage.namespace}/pods/{pod['metadata']['name']}/binding"
    assert stage.api.client.post(path, json=binding).is_success
    async with watching(stage, token) as scheduler:
        found = (await nodes_of(stage, scheduler))["one"]
        assert not await jobs_of(stage, scheduler)
    assert (found.state, found.allocated) == ("idle", Resources(0.25, 0, ()))


async def test_a_node_reports_why_it_takes_no_jobs(stage: Stage, token: Path) -> None:
    for name in ("cordoned", "draining"):
        stage.change_node(stage.node(name), unschedulable=True)
    stage.pod("job", f"{stage.prefix}-draining")
    before_s = int(time.time())
    stage.node("down", ready="False")
    stage.node("silent", ready="Unknown")
    stage.node("new", ready="")
    async with watching(stage, token) as scheduler:
        found = await nodes_of(stage, scheduler)
    assert {name: (node.state, node.flags, node.reason) for name, node in found.items()} == {
        "cordoned": ("drained", ("drain",), "SchedulingDisabled"),
        "draining": ("draining", ("drain",), "SchedulingDisabled"),
        "down": ("down", (), "KubeletNotReady: container runtime network not ready"),
        "silent": (
            "unknown",
            ("not_responding",),
            "NodeStatusUnknown: Kubelet stopped posting node status.",
        ),
        "new": ("unknown", ("not_responding",), "NoReadyCondition"),
    }
    since_s = found["down"].reason_at_s
    assert since_s is not None
    assert before_s <= since_s <= time.time()


async def test_gpus_are_counted_as_kubectl_counts_them(stage: Stage, token: Path) -> None:
    gpus = {"nvidia.com/gpu": "4", "nvidia.com/mig-1g.5gb": "7", "rdma/hca": "2"}
    node = stage.node("gpu", CAPACITY | gpus)
    requests = {"cpu": "1500m", "memory": "1G", "nvidia.com/gpu": "2", "nvidia.com/mig-1g.5gb": "3"}
    stage.pod("train", node, requests=requests)
    sidecar = container({"cpu": "100m", "memory": "64Mi"}, "log", restartPolicy="Always")
    stage.pod("sidecar", node, initContainers=[sidecar, container({"cpu": "3"}, "first")])
    async with watching(stage, token) as scheduler:
        found = (await nodes_of(stage, scheduler))["gpu"]
        job = (await jobs_of(stage, scheduler))["train"]
    assert found.total is not None
    assert found.allocated is not None
    assert found.total.gres == (Gres("gpu", 4), Gres("gpu", 7, "1g.5gb"), Gres("rdma/hca", 2))
    assert found.allocated.gres == (Gres("gpu", 2), Gres("gpu", 3, "1g.5gb"))
    assert job.allocated == Resources(1.5, 10**9, found.allocated.gres)
    described = stage.kubectl.run("describe", "node", node)
    cpu = re.search(r"^  cpu +([0-9]+)m ", described, re.MULTILINE)
    memory = re.search(r"^  memory +([0-9]+) ", described, re.MULTILINE)
    assert cpu
    assert int(cpu[1]) == 1000 * (found.allocated.cpus or 0)
    assert memory
    assert int(memory[1]) == found.allocated.memory_bytes


async def test_a_pod_is_a_job_of_its_namespace(stage: Stage, token: Path) -> None:
    node, before_s = stage.node("one"), int(time.time())
    labels = {"labels": {"hub.jupyter.org/username": "ada"}}
    stage.pod("run", node, metadata=labels)
    stage.report("run", phase="Running", startTime="2026-11-30T12:00:00Z")
    async with watching(stage, token, label="hub.jupyter.org/username") as scheduler:
        job = (await jobs_of(stage, scheduler))["run"]
    held = Resources(1, 2**30, ())
    assert job.submitted_at_s is not None
    assert before_s <= job.submitted_at_s <= time.time()
    assert job == Job(
        f"{stage.namespace}/run",
        "running",
        user="ada",
        account=stage.namespace,
        qos="Burstable",
        submitted_at_s=job.submitted_at_s,
        started_at_s=1796040000,
        allocated=held,
        nodes=(node,),
        per_node=(held,),
    )


async def test_changes_are_read_as_they_happen(stage: Stage, token: Path) -> None:
    node = stage.node("one")
    async with watching(stage, token) as scheduler:
        assert (await nodes_of(stage, scheduler))["one"].state == "idle"
        assert await scheduler.read() is await scheduler.read()
        stage.pod("job", node)
        await state_is(stage, scheduler, "mixed")
        stage.report("job", phase="Failed", reason="Evicted", message="The node was low on memory.")
        await state_is(stage, scheduler, "idle")
        job = (await jobs_of(stage, scheduler))["job"]
        assert (job.state, job.reason) == ("failed", "Evicted: The node was low on memory.")
        stage.delete_pod("job")
        while await jobs_of(stage, scheduler):
            await asyncio.sleep(0.02)
        stage.change_node(node, unschedulable=True)
        await state_is(stage, scheduler, "drained")


async def state_is(stage: Stage, scheduler: KubernetesScheduler, state: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (await nodes_of(stage, scheduler))["one"].state != state:
            await asyncio.sleep(0.02)


async def test_more_objects_than_a_page_are_all_listed(
    stage: Stage, token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rackwatt_exporter.schedulers.kubernetes.watch.PAGE", 2)
    for number in range(5):
        stage.pod(f"job-{number}")
    async with watching(stage, token) as scheduler:
        assert len(await jobs_of(stage, scheduler)) == 5


async def test_a_restart_of_the_api_server_is_survived(
    control_plane: ControlPlane, stage: Stage, token: Path
) -> None:
    node = stage.node("one")
    async with watching(stage, token) as scheduler:
        await state_is(stage, scheduler, "idle")
        await asyncio.to_thread(control_plane.api_server.stop)
        with pytest.raises(ReadError) as caught:
            await scheduler.read()
        assert caught.value.reason is Reason.CONNECTION_REFUSED
        await asyncio.to_thread(control_plane.start_api_server)
        stage.pod("job", node)
        await state_is(stage, scheduler, "mixed")


async def test_a_version_that_is_gone_is_followed_by_a_list(stage: Stage, token: Path) -> None:
    node = stage.node("one")
    with proxied(stage.control_plane) as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        async with watching(stage, token, url, silence_s=1.5) as scheduler:
            await state_is(stage, scheduler, "idle")
            proxy.silent = True
            stage.pod("job", node)
            await eventually(lambda: proxy.swallowed)
            proxy.fault = lambda method, path, watch: 410 if watch else None
            await eventually(lambda: proxy.injected[410])
            proxy.fault, proxy.silent = lambda method, path, watch: None, False
            await state_is(stage, scheduler, "mixed")


async def test_a_watch_that_falls_silent_is_opened_again_from_where_it_was(
    stage: Stage, token: Path
) -> None:
    node = stage.node("one")
    lists = 0

    def count(method: str, path: str, watch: bool) -> None:
        nonlocal lists
        lists += path == "/api/v1/pods" and not watch

    with proxied(stage.control_plane) as proxy:
        proxy.fault = count
        url = f"http://127.0.0.1:{proxy.port}"
        async with watching(stage, token, url, silence_s=1.5) as scheduler:
            await state_is(stage, scheduler, "idle")
            proxy.silent = True
            stage.pod("job", node)
            await eventually(lambda: proxy.swallowed)
            proxy.silent = False
            await state_is(stage, scheduler, "mixed")
    assert lists == 1


async def test_an_api_server_whose_watches_end_at_once_is_a_failure_and_not_a_loop(
    stage: Stage, token: Path
) -> None:
    with proxied(stage.control_plane) as proxy:
        proxy.fault = lambda method, path, watch: 410 if watch else None
        async with watching(stage, token, f"http://127.0.0.1:{proxy.port}") as scheduler:
            with pytest.raises(ReadError, match="ends at once") as caught:
                await scheduler.read()
        assert caught.value.reason is Reason.BAD_REPLY
        assert proxy.injected[410] <= 2  # one of each kind


@pytest.mark.parametrize("missing", ["nodes", "pods"])
async def test_a_missing_right_is_named_with_what_grants_it(
    control_plane: ControlPlane, stage: Stage, missing: str
) -> None:
    granted = [one for one in ("nodes", "pods") if one != missing]
    token = reader(control_plane, stage.namespace, granted)
    async with watching(stage, token) as scheduler:
        with pytest.raises(ReadError) as caught:
            await scheduler.read()
        assert caught.value.reason is Reason.PRIVILEGE_INSUFFICIENT
        assert f'cannot list resource "{missing}"' in str(caught.value)
        remedy = caught.value.remedy or ""
        for command in re.findall(r"`kubectl (.*?)`", remedy):
            stage.kubectl.run(*command.split())
        try:
            await scheduler.read()
        finally:
            for kind in ("clusterrole", "clusterrolebinding"):
                stage.kubectl.delete(kind, "rackwatt-kubernetes-scheduler")


async def test_a_token_is_read_again_when_it_is_replaced(
    control_plane: ControlPlane, stage: Stage, token: Path
) -> None:
    async with watching(stage, token) as scheduler:
        await scheduler.read()
        good = token.read_text()
        token.write_text("forged")
        with pytest.raises(ReadError, match="does not accept the token") as caught:
            await scheduler.read()
        assert caught.value.reason is Reason.AUTH_FAILED
        assert "forged" not in str(caught.value)
        token.write_text(good)
        await scheduler.read()


async def test_an_object_that_cannot_be_read_is_counted_and_hides_no_other(
    stage: Stage, token: Path
) -> None:
    huge = stage.node("huge", CAPACITY | {"memory": "2Ei"})
    stage.node("one")
    stage.pod("huge", requests={"memory": "2Ei"})
    stage.pod("one")
    async with watching(stage, token) as scheduler:
        found = await scheduler.read()
        assert set(await nodes_of(stage, scheduler)) == {"one"}
        assert set(await jobs_of(stage, scheduler)) == {"one"}
        assert (found.unread, found.unread_jobs) == (1, 1)
        assert found.note == f"{huge} of /api/v1/nodes: '2Ei' is more than a node can have"
        stage.delete_pod("huge")
        async with asyncio.timeout(PATIENCE_S):
            while (await scheduler.read()).unread_jobs:
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("status", [429, 500])
@pytest.mark.parametrize("watches", [False, True], ids=["list", "watch"])
async def test_an_api_server_that_fails_is_read_again_at_the_next_poll(
    stage: Stage, token: Path, status: int, watches: bool
) -> None:
    stage.node("one")
    with proxied(stage.control_plane) as proxy:
        proxy.fault = lambda method, path, watch: (
            status if watch is watches and "/v1/" in path else None
        )
        async with watching(stage, token, f"http://127.0.0.1:{proxy.port}") as scheduler:
            with pytest.raises(ReadError, match=f"gives status {status}: injected") as caught:
                await scheduler.read()
            assert caught.value.reason is Reason.BAD_REPLY
            proxy.fault = lambda method, path, watch: None
            await state_is(stage, scheduler, "idle")


async def test_no_watch_is_left_when_it_is_closed(stage: Stage, token: Path) -> None:
    async with watching(stage, token) as scheduler:
        await scheduler.read()
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("watch of")]
