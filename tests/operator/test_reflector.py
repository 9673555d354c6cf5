"""Watches and lists together, in this process, on a real API server behind a proxy."""

import asyncio

import pytest

from rackwatt_operator import reflector as watching
from rackwatt_operator.controller.workqueue import Result, WorkQueue
from rackwatt_operator.informer import Informer
from rackwatt_operator.kube.auth import ClusterCredentials
from rackwatt_operator.kube.cache import Cache
from rackwatt_operator.kube.cached_object import CachedObject
from rackwatt_operator.kube.client import Client
from rackwatt_operator.kube.discovery import Capabilities
from rackwatt_operator.kube.relist import Relister
from rackwatt_operator.kube.resources import BY_NAME, ObjectKey
from rackwatt_operator.reflector import Reflector
from tests.cluster.cluster import Cluster
from tests.operator.fault_proxy import proxied
from tests.operator.kube_user import PATIENCE_S
from tests.operator.service_account import Account

BUDGET = BY_NAME["PodDisruptionBudget"]
BUDGETS = f"/apis/{BUDGET.api_version}"
"""Discovery that kopf alone requests, of kinds that always exist."""


class Looked:
    """Leaves a kind out of the first discovery, and records when it is watched."""

    def __init__(self) -> None:
        self.times = 0
        self.watched = False

    def fault(self, _: str, path: str, watch: bool) -> int | None:
        self.watched |= watch and path.endswith(BUDGET.plural)
        self.times += path == BUDGETS
        return 404 if path == BUDGETS and self.times == 1 else None


def made(login: ClusterCredentials, client: Client, namespace: str) -> Reflector:
    observed = Cache()

    def take(name: ObjectKey, now: CachedObject, _: bool) -> None:
        observed.update(name, now)

    async def work(_: ObjectKey, __: bool) -> Result:
        return Result()

    return Reflector(
        Capabilities(client, [namespace]),
        Relister(client, observed, [namespace]),
        Informer(login, [namespace], observed.is_stale, take),
        WorkQueue(work, 1),
        600.0,
        lambda: None,
    )


async def test_the_reflector_starts_a_watch_later_for_a_kind_missing_at_first_discovery(
    operated: Cluster,
    operator_account: Account,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked, patience_s = Looked(), watching._WATCH_START_S
    monkeypatch.setattr(watching, "_WATCH_START_S", 1.0)
    with proxied(operated) as proxy:
        proxy.fault = looked.fault
        login = ClusterCredentials(proxy.kubeconfig(operator_account.kubeconfig))
        await login.renew()
        client = Client(login)
        running = asyncio.create_task(made(login, client, namespace).run())
        async with asyncio.timeout(PATIENCE_S):
            while looked.times < 2:
                await asyncio.sleep(0.1)
            monkeypatch.setattr(watching, "_WATCH_START_S", patience_s)
            while not looked.watched:
                await asyncio.sleep(0.1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await client.close()
