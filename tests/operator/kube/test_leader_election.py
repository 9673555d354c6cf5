"""Leader election of several operators: one leads, and when it ends another one does."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rackwatt_operator.kube.auth import ClusterCredentials
from rackwatt_operator.kube.client import Client
from rackwatt_operator.kube.leader_election import NAME, LeaderElector
from rackwatt_operator.kube.resources import ObjectKey
from tests.cluster.clients import Manifest
from tests.cluster.cluster import Cluster
from tests.operator.kube_user import KubeUser, fleet, object_key
from tests.operator.operator_process import Operating, operating

PATIENCE_S = 60.0


def leads(operator: Operating) -> bool:
    return operator.metric("rackwatt_operator_leader") == 1


def made(kube_user: KubeUser, namespace: str, name: str) -> None:
    one = object_key(kube_user.apply(fleet(name, namespace)))
    kube_user.until_reason(one, "Accepted", "Accepted")


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_leader_election_lets_one_of_two_operators_work_and_the_other_take_over(
    operated: Cluster, kube_user: KubeUser, namespace: str, sign: signal.Signals
) -> None:
    flags = (f"--lease.namespace={namespace}", f"--namespace={namespace}", "--lease.duration=5s")
    with operating(operated, *flags) as first:
        kube_user.until(lambda: leads(first))
        with operating(operated, *flags) as second:
            made(kube_user, namespace, "one")
            assert leads(first)
            assert not leads(second)
            assert second.metric("rackwatt_operator_reconciles_total") == 0
            assert first.metric("rackwatt_operator_reconciles_total") > 0
            first.daemon.stop(sign)
            ended_s = time.monotonic()
            kube_user.until(lambda: leads(second))
            took_s = time.monotonic() - ended_s
            made(kube_user, namespace, "two")
    print(f"taken over {took_s:.1f} s after {sign.name}")


async def lease(
    cluster: Cluster, namespace: str, duration_s: float = 1.0
) -> tuple[Client, LeaderElector]:
    login = ClusterCredentials(cluster.kubeconfig)
    await login.renew()
    client = Client(login)
    return client, LeaderElector(client, namespace, duration_s, lambda: None)


class Candidates:
    """Candidates for one Lease, over the real API."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._clients: list[Client] = []
        self._tasks: dict[LeaderElector, asyncio.Task[None]] = {}

    async def stand(self, duration_s: float = 1.0) -> LeaderElector:
        client, candidate = await lease(self._cluster, self._namespace, duration_s)
        self._clients.append(client)
        self._tasks[candidate] = asyncio.create_task(candidate.run())
        return candidate

    async def die(self, candidate: LeaderElector) -> None:
        task = self._tasks.pop(candidate)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def close(self) -> None:
        for candidate in list(self._tasks):
            await self.die(candidate)
        for client in self._clients:
            await client.close()


@pytest.fixture
async def candidates(cluster: Cluster, namespace: str) -> AsyncIterator[Candidates]:
    candidates = Candidates(cluster, namespace)
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield candidates
    finally:
        await candidates.close()


async def test_leader_election_never_has_two_leaders(candidates: Candidates) -> None:
    standing = [await candidates.stand() for _ in range(4)]
    led: set[LeaderElector] = set()
    while standing:
        leading = [one for one in standing if one.leading.is_set()]
        assert len(leading) <= 1
        for one in leading:
            led.add(one)
            standing.remove(one)
            await (one.release() if len(led) % 2 else candidates.die(one))
            if len(led) % 2:
                await candidates.die(one)
        await asyncio.sleep(0.02)
    assert len(led) == 4


async def test_a_released_lease_is_free_at_once(
    candidates: Candidates, kube_user: KubeUser, namespace: str
) -> None:
    first = await candidates.stand(30)
    await first.leading.wait()
    await candidates.die(first)
    await first.release()
    lease = kube_user.get(ObjectKey("Lease", namespace, NAME))
    assert lease
    assert lease["spec"]["holderIdentity"] == ""
    began_s = asyncio.get_running_loop().time()
    second = await candidates.stand(30)
    await second.leading.wait()
    assert asyncio.get_running_loop().time() - began_s < 30


async def test_a_lease_is_released_even_during_its_renewal(
    candidates: Candidates, kube_user: KubeUser, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await candidates.stand(10)  # it is not given back if that takes longer
    await first.leading.wait()
    began, replace = asyncio.Event(), first._client.replace

    async def noticed(path: str, body: Manifest) -> Manifest:
        began.set()
        return await replace(path, body)

    monkeypatch.setattr(first._client, "replace", noticed)
    await began.wait()
    await first.release()
    await candidates.die(first)
    lease = kube_user.get(ObjectKey("Lease", namespace, NAME))
    assert lease
    assert lease["spec"]["holderIdentity"] == ""


async def test_the_leader_elector_stops_leading_when_another_holder_takes_the_lease(
    candidates: Candidates, kube_user: KubeUser, namespace: str
) -> None:
    first = await candidates.stand()
    await first.leading.wait()
    other = {"holderIdentity": "other", "leaseDurationSeconds": 3600}
    kube_user.merge(ObjectKey("Lease", namespace, NAME), {"spec": other})
    while first.leading.is_set():
        await asyncio.sleep(0.02)


async def test_the_leader_elector_recreates_a_deleted_lease(
    candidates: Candidates, kube_user: KubeUser, namespace: str
) -> None:
    first = await candidates.stand()
    await first.leading.wait()
    kube_user.delete(ObjectKey("Lease", namespace, NAME))
    while kube_user.get(ObjectKey("Lease", namespace, NAME)) is None or not first.leading.is_set():
        await asyncio.sleep(0.05)


async def test_the_leader_elector_stops_leading_before_another_may_start_if_it_cannot_renew(
    candidates: Candidates, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await candidates.stand(2.0)
    await first.leading.wait()
    monkeypatch.setattr(first._client._login._configuration, "host", "https://127.0.0.1:1")
    second = await candidates.stand(2.0)
    while not second.leading.is_set():
        await asyncio.sleep(0.01)
        assert not (first.leading.is_set() and second.leading.is_set())
    assert not first.leading.is_set()


async def test_the_leader_elector_never_leads_without_an_api_server(
    namespace: str, tmp_path: Path
) -> None:
    path = tmp_path / "nowhere"
    path.write_text(
        "{apiVersion: v1, kind: Config, current-context: a, users: [{name: a, user: {token: x}}],"
        " clusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}],"
        " contexts: [{name: a, context: {cluster: a, user: a}}]}"
    )
    login = ClusterCredentials(path)
    await login.renew()
    client = Client(login)
    candidate = LeaderElector(client, namespace, 1.0, lambda: None)
    task = asyncio.create_task(candidate.run())
    await asyncio.sleep(0.5)
    assert not candidate.leading.is_set()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await client.close()
