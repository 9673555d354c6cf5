"""Statuses of collectors between two polls; a resource that changes meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from rackwatt_operator.controller.child_status import ChildStatusReader
from rackwatt_operator.controller.collector_status_poller import CollectorStatusPoller
from rackwatt_operator.controller.plan_cache import PlanCache
from rackwatt_operator.controller.status_writer import StatusWriter
from rackwatt_operator.controller.workqueue import Result
from rackwatt_operator.kube.auth import ClusterCredentials
from rackwatt_operator.kube.cache import Cache
from rackwatt_operator.kube.cached_object import object_key as cached_key
from rackwatt_operator.kube.cached_object import parse_object
from rackwatt_operator.kube.client import Client
from rackwatt_operator.kube.discovery import Capabilities
from rackwatt_operator.kube.resources import ObjectKey
from rackwatt_operator.manifests.defaults import Defaults
from tests.cluster.clients import Manifest
from tests.cluster.cluster import Cluster
from tests.operator.controller.unguarded import OPEN
from tests.operator.kube_user import KubeUser, binding, fleet, object_key

PATIENCE_S = 60.0


class Pod:
    """A collector as the operator sees it, whose answers a test holds back."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.answers.set()
        self.polls = 0
        self.targets = {"configured": 3, "reachable": 3, "failing": 0}

    async def status(self, _: web.Request) -> web.Response:
        self.polls += 1
        await self.answers.wait()
        return web.json_response({"targets": self.targets})


@asynccontextmanager
async def serving(pod: Pod) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_get("/status", pod.status)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def placed(document: Manifest) -> Manifest:
    metadata = {"uid": document["metadata"]["name"], "resourceVersion": "1", "generation": 1}
    return document | {"metadata": document["metadata"] | metadata}


def endpoints(namespace: str, port: int, service: str = "pt-lab") -> Manifest:
    labels = {"kubernetes.io/service-name": service}
    metadata = {"name": f"{service}-x", "namespace": namespace, "labels": labels}
    return {
        "metadata": metadata | {"uid": service, "resourceVersion": "2"},
        "ports": [{"name": "http", "port": port}],
        "endpoints": [{"addresses": ["127.0.0.1"], "conditions": {"ready": True}}],
    }


def note(observed: Cache, kind: str, raw: Manifest) -> None:
    observed.update(cached_key(raw, kind), parse_object(raw, kind))


LAB = fleet("lab", "centre")
KEY = object_key(LAB)


@asynccontextmanager
async def asking(
    observed: Cache,
) -> AsyncIterator[tuple[CollectorStatusPoller, asyncio.Queue[ObjectKey]]]:
    queued: asyncio.Queue[ObjectKey] = asyncio.Queue()

    def changed(keys: Iterable[ObjectKey]) -> None:
        for key in keys:
            queued.put_nowait(key)

    collectors, leading = CollectorStatusPoller(observed, OPEN, changed), asyncio.Event()
    leading.set()
    task = asyncio.create_task(collectors.run(leading))
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield collectors, queued
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the interval of polls to a tenth of a second."""
    monkeypatch.setattr("rackwatt_operator.controller.collector_status_poller.EVERY_S", 0.1)


async def test_the_status_poller_keeps_a_result_until_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pace(monkeypatch)
    pod, observed = Pod(), Cache()
    async with serving(pod) as port, asking(observed) as (collectors, queued):
        note(observed, "PowerTarget", placed(LAB))
        note(observed, "EndpointSlice", endpoints("centre", port))
        assert await queued.get() == KEY
        aggregated = collectors.status(KEY)
        assert aggregated
        assert aggregated.configured == 3
        pod.answers.clear()
        polls = pod.polls
        while pod.polls == polls:
            await asyncio.sleep(0.05)
        assert collectors.status(KEY) is not None
        pod.answers.set()


async def test_the_status_poller_reports_a_pending_first_poll() -> None:
    pod, observed = Pod(), Cache()
    async with serving(pod) as port, asking(observed) as (collectors, queued):
        note(observed, "PowerTarget", placed(LAB))
        assert not collectors.first_poll_pending(KEY)
        note(observed, "EndpointSlice", endpoints("centre", port))
        assert collectors.first_poll_pending(KEY)
        assert await queued.get() == KEY
        assert not collectors.first_poll_pending(KEY)


async def test_the_status_poller_drops_a_document_that_is_deleted_during_a_poll() -> None:
    pod, observed = Pod(), Cache()
    pod.answers.clear()
    async with serving(pod) as port, asking(observed) as (collectors, queued):
        note(observed, "PowerTarget", placed(LAB))
        note(observed, "EndpointSlice", endpoints("centre", port))
        while not pod.polls:
            await asyncio.sleep(0.05)
        observed.remove(KEY)
        collectors.remove(KEY)
        pod.answers.set()
        other = fleet("other", "centre")
        note(observed, "PowerTarget", placed(other))
        note(observed, "EndpointSlice", endpoints("centre", port, "pt-other"))
        assert await queued.get() == object_key(other)
        assert collectors.status(KEY) is None


async def status_writer(
    cluster: Cluster,
    observed: Cache,
    collectors: CollectorStatusPoller | None = None,
    changed: Callable[[Iterable[ObjectKey]], None] = lambda _: None,
) -> tuple[Client, PlanCache, StatusWriter]:
    login = ClusterCredentials(cluster.kubeconfig)
    await login.renew()
    client = Client(login)
    capabilities = Capabilities(client, ())
    collectors = collectors or CollectorStatusPoller(observed, OPEN, lambda _: None)
    writer = StatusWriter(
        client, observed, capabilities, collectors, ChildStatusReader(client, observed), changed
    )
    return client, PlanCache(observed, capabilities, Defaults()), writer


async def test_the_status_writer_skips_a_document_that_was_deleted_meanwhile(
    operated: Cluster,
) -> None:
    observed = Cache()
    note(observed, "PowerTarget", placed(LAB))
    client, planner, writer = await status_writer(operated, observed)
    before = observed.objects[KEY]
    planned, _ = planner.get(KEY)
    observed.remove(KEY)
    assert await writer.write(KEY, before, planned, ()) == Result()
    await client.close()


async def test_the_status_writer_writes_the_generation_that_was_planned(
    operated: Cluster, kube_user: KubeUser, namespace: str
) -> None:
    observed, document = Cache(), fleet("lab", namespace)
    key = object_key(document)
    note(observed, "PowerTarget", kube_user.apply(document))
    client, planner, writer = await status_writer(operated, observed)
    before = observed.objects[key]
    planned, _ = planner.get(key)
    note(observed, "PowerTarget", kube_user.apply(fleet("lab", namespace, "n[1-9]")))
    await writer.write(key, before, planned, ())
    await client.close()
    after = kube_user.get(key)
    assert after
    assert after["metadata"]["generation"] == 2
    assert after["status"]["observedGeneration"] == 1
    assert {one["observedGeneration"] for one in after["status"]["conditions"]} == {1}


async def test_the_status_writer_enqueues_documents_affected_by_its_own_response(
    operated: Cluster, kube_user: KubeUser, namespace: str
) -> None:
    observed, document, queued = Cache(), binding("prod", namespace), set[ObjectKey]()
    key = object_key(document)
    lab = fleet("lab", namespace, schedulerRef={"name": "prod"})
    note(observed, "PowerTarget", kube_user.apply(lab))
    note(observed, "SchedulerBinding", kube_user.apply(document))
    client, planner, writer = await status_writer(operated, observed, changed=queued.update)
    planned, _ = planner.get(key)
    states = [{"names": "n[1-9]", "state": "idle"}]
    kube_user.apply(binding("prod", namespace, noop={"states": states}))
    await writer.write(key, observed.objects[key], planned, ())
    await client.close()
    assert observed.content(key)["spec"]["noop"]["states"] == states
    assert queued == {key, object_key(lab)}


def running(owner: Manifest) -> Manifest:
    """Return a Deployment of a document, as its controller leaves it when all is well."""
    namespace, uid = owner["metadata"]["namespace"], owner["metadata"]["uid"]
    whose = {"apiVersion": owner["apiVersion"], "kind": "PowerTarget", "name": "lab", "uid": uid}
    metadata = {"name": "pt-lab-0", "namespace": namespace, "uid": "d", "resourceVersion": "1"}
    return {
        "metadata": metadata | {"ownerReferences": [whose | {"controller": True}]},
        "status": {"readyReplicas": 1, "updatedReplicas": 1},
    }


async def test_the_status_writer_updates_numbers_that_contradict_their_condition_within_seconds(
    operated: Cluster, kube_user: KubeUser, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rackwatt_operator.controller.collector_status_poller.EVERY_S", 3600.0)
    pod, observed = Pod(), Cache()
    made = kube_user.apply(fleet("lab", namespace))
    key = object_key(made)
    async with serving(pod) as port, asking(observed) as (collectors, queued):
        client, planner, writer = await status_writer(operated, observed, collectors)
        note(observed, "PowerTarget", made)
        note(observed, "Deployment", running(made))
        planned, _ = planner.get(key)

        async def write() -> float | None:
            result = await writer.write(key, observed.objects[key], planned, ())
            return result.requeue_after_s

        pod.targets = {"configured": 3, "reachable": 1, "failing": 2}  # a Secret was rotated
        note(observed, "EndpointSlice", endpoints(namespace, port))
        await queued.get()
        await write()
        assert kube_user.conditions(key)["Ready"]["message"] == "1 of 3 targets respond"
        assert (kube_user.get(key) or {})["status"]["targets"] == pod.targets
        pod.targets = {"configured": 3, "reachable": 3, "failing": 0}
        while (heard := collectors.status(key)) is None or heard.failing:
            await queued.get()
        while (wait_s := await write()) is not None:
            await asyncio.sleep(wait_s)
        await client.close()
    assert (kube_user.get(key) or {})["status"]["targets"] == pod.targets
    assert kube_user.conditions(key)["Ready"]["message"] == "3 of 3 targets respond"
