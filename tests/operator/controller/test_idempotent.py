"""Idempotence: what was done for a resource is not done again, not even by a new process."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from rackwatt_operator.controller.api_grant import ApiGrant, GrantScope
from rackwatt_operator.controller.apply import Applier
from rackwatt_operator.controller.child_status import ChildStatusReader
from rackwatt_operator.controller.collector_status_poller import CollectorStatusPoller
from rackwatt_operator.controller.plan_cache import PlanCache
from rackwatt_operator.controller.reconciler import Reconciler
from rackwatt_operator.controller.status_writer import StatusWriter
from rackwatt_operator.controller.workqueue import RetryError
from rackwatt_operator.kube.auth import ClusterCredentials
from rackwatt_operator.kube.cache import Cache
from rackwatt_operator.kube.client import Client
from rackwatt_operator.kube.discovery import Capabilities
from rackwatt_operator.kube.errors import ApiError
from rackwatt_operator.kube.relist import Relister
from rackwatt_operator.kube.resources import ObjectKey
from rackwatt_operator.manifests.defaults import Defaults
from tests.cluster import monitoring
from tests.cluster.clients import Manifest
from tests.cluster.cluster import Cluster
from tests.operator.controller.unguarded import OPEN
from tests.operator.convergence import planned
from tests.operator.kube_user import PATIENCE_S, KubeUser
from tests.operator.manifests.strategies import BINDINGS, TARGETS

DRAWN = st.lists(
    TARGETS | BINDINGS,
    min_size=1,
    max_size=3,
    unique_by=lambda one: (one["kind"], one["metadata"]["name"]),
)


class Account(Client):
    """A client that keeps account of what it wrote: what was taken, and what was refused."""

    def __init__(self, login: ClusterCredentials) -> None:
        super().__init__(login)
        self.taken: list[str] = []
        self.refused: set[str] = set()

    async def _request(self, *arguments: Any, **more: Any) -> Manifest:
        method, path = arguments[:2]
        try:
            response = await super()._request(*arguments, **more)
        except ApiError:
            if method != "GET":
                self.refused.add(path)
            raise
        if method != "GET" and "selfsubjectaccessreviews" not in path:
            self.taken.append(f"{method} {path}")
        return response

    def new_writes(self) -> list[str]:
        """Return what was written since the last call."""
        taken, self.taken = self.taken, []
        return taken


class Newcomer:
    """An operator without its watches, that has listed everything and knows nothing else."""

    def __init__(self, client: Account, namespace: str) -> None:
        observed = self.observed = Cache()
        self._capabilities = Capabilities(client, [namespace])
        self._listing = Relister(client, observed, [namespace])
        collectors, looking = (
            CollectorStatusPoller(observed, OPEN, lambda _: None),
            ChildStatusReader(client, observed),
        )
        self._reconciler = Reconciler(
            observed,
            PlanCache(observed, self._capabilities, Defaults()),
            Applier(client, observed),
            ApiGrant(client, observed, GrantScope()),
            StatusWriter(client, observed, self._capabilities, collectors, looking, lambda _: None),
        )

    async def look(self) -> None:
        """List everything, as soon as the API server has got ready what CRDs were made for."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    await self._capabilities.refresh()
                    await self._listing.refresh(self._capabilities.watched)
                    return
                except ApiError:
                    await asyncio.sleep(0.2)

    async def work(self) -> None:
        """Reconcile every document once."""
        for key in sorted(self.observed.documents()):
            with suppress(RetryError):  # something is refused, as limits below requests are
                await self._reconciler.reconcile(key, False)


@asynccontextmanager
async def logged_in(cluster: Cluster) -> AsyncIterator[Account]:
    login = ClusterCredentials(cluster.kubeconfig)
    await login.renew()
    client = Account(login)
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture(scope="module")
def monitored(operated: Cluster) -> Iterator[Cluster]:
    with monitoring.installed(operated):
        yield operated


@contextmanager
def own(kube_user: KubeUser) -> Iterator[str]:
    """Create a namespace for one example: children of an earlier one take time to be deleted."""
    name = f"rackwatt-test-{secrets.token_hex(4)}"
    kube_user.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    try:
        yield name
    finally:
        kube_user.delete(ObjectKey("Namespace", "", name))


def placed(raw: dict[str, Any], namespace: str) -> dict[str, Any]:
    """Return a document in a namespace, and never a paused one."""
    metadata = {"name": raw["metadata"]["name"], "namespace": namespace}
    return raw | {"metadata": metadata, "spec": raw["spec"] | {"paused": False}}


@settings(max_examples=12, phases=(Phase.generate,))  # shrinking one would take minutes
@given(drawn=DRAWN)
def test_a_second_reconciliation_writes_nothing(
    monitored: Cluster, kube_user: KubeUser, drawn: list[dict[str, Any]]
) -> None:
    with own(kube_user) as namespace:
        assume(sum(kube_user.tried(placed(raw, namespace)) for raw in drawn))
        refused = asyncio.run(play(monitored, namespace))
        made = [
            one for name, one in planned(kube_user, namespace).items() if name.name not in refused
        ]
        # Between its two looks at one of them a controller may write what is its own.
        kube_user.until(lambda: all(map(kube_user.settled, made)))


async def play(cluster: Cluster, namespace: str) -> set[str]:
    """Reconcile all in a namespace twice, and once more in a new process; return what was rejected."""
    async with logged_in(cluster) as client:
        first = Newcomer(client, namespace)
        await first.look()
        await first.work()
        assert client.new_writes()
        await first.work()
        assert client.new_writes() == []
        second = Newcomer(client, namespace)
        await second.look()
        await second.work()
        # Controllers have gone on meanwhile: a status may have news.
        assert [one for one in client.new_writes() if not news(one)] == []
        return {path.rpartition("/")[2] for path in client.refused}


def news(write: str) -> bool:
    return write.endswith("/status") or "/events" in write
