"""The operator whole: every room joined to the next; the only module that knows them all."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web

from rackwatt_operator.controller.access import Accesses
from rackwatt_operator.controller.apply import Applier
from rackwatt_operator.controller.child_status import ChildStatusReader
from rackwatt_operator.controller.collector_status_poller import CollectorStatusPoller
from rackwatt_operator.controller.plan_cache import PlanCache
from rackwatt_operator.controller.reconciler import Reconciler
from rackwatt_operator.controller.status_writer import StatusWriter
from rackwatt_operator.controller.workqueue import LEISURE, RetryError, WorkQueue
from rackwatt_operator.health import Health
from rackwatt_operator.informer import Informer
from rackwatt_operator.kube.auth import ClusterCredentials
from rackwatt_operator.kube.cache import Cache
from rackwatt_operator.kube.cached_object import CachedObject
from rackwatt_operator.kube.client import Client
from rackwatt_operator.kube.discovery import Capabilities
from rackwatt_operator.kube.leader_election import LeaderElector
from rackwatt_operator.kube.relist import Relister
from rackwatt_operator.kube.resources import ObjectKey
from rackwatt_operator.manifests.defaults import Defaults
from rackwatt_operator.metrics import (
    LAST_SUCCESS,
    RECONCILE_SECONDS,
    RECONCILES,
    REGISTRY,
)
from rackwatt_operator.object_metrics import Inventory
from rackwatt_operator.reflector import Reflector

log = logging.getLogger(__name__)

WORKERS = 24
"""Documents worked on at once: so many applies keep an API server of a few cores busy."""
_DRAIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Scope:
    """Where the operator works (everywhere, if no namespace is named), and its own pace."""

    namespaces: Sequence[str] = ()
    lease_namespace: str = "default"
    lease_s: float = 5.0
    resync_s: float = 600.0


class Operator:
    """One process of the operator, over one identity."""

    def __init__(self, login: ClusterCredentials, defaults: Defaults, scope: Scope) -> None:
        self._client = client = Client(login)
        self._observed = observed = Cache()
        capabilities = Capabilities(client, scope.namespaces)
        self._queue = WorkQueue(self._work, WORKERS)
        planner = PlanCache(observed, capabilities, defaults)
        accesses = Accesses(client, planner.web)
        self._collectors = CollectorStatusPoller(observed, accesses, self._queue.add)
        self._reconciler = Reconciler(
            observed,
            planner,
            Applier(client, observed),
            StatusWriter(
                client,
                observed,
                capabilities,
                self._collectors,
                ChildStatusReader(client, observed),
                self._queue.add,
            ),
        )
        self._lease = LeaderElector(client, scope.lease_namespace, scope.lease_s, self._gate)
        self._watching = Reflector(
            capabilities,
            Relister(client, observed, scope.namespaces),
            Informer(login, scope.namespaces, observed.older, self._take),
            self._queue,
            scope.resync_s,
            self._gate,
        )
        self._health = Health(self._queue, self._watching, scope.resync_s)
        REGISTRY.register(Inventory(observed))

    def application(self) -> web.Application:
        """Make the pages: health and metrics."""
        return self._health.application()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop, then finish what was begun and give the Lease back."""
        tasks = [
            asyncio.create_task(work)
            for work in (
                self._watching.run(),
                self._lease.run(),
                self._queue.run(),
                self._collectors.run(self._lease.leading),
                self._health.beat(),
            )
        ]
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
        log.info("stopping")
        await self._queue.drain(_DRAIN_S)
        await self._lease.release()
        for task in (waiting, *tasks):
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:  # work that ended by itself has broken
            if isinstance(outcome, Exception):
                raise outcome

    async def close(self) -> None:
        """Let go of the API server, whether anything was asked of it or not."""
        await self._client.close()

    def _gate(self) -> None:
        """Let documents be worked on while we lead, and once everything has been seen."""
        self._queue.lead(self._lease.leading.is_set() and self._watching.listed.is_set())

    def _take(self, name: ObjectKey, now: CachedObject, deleted: bool) -> None:
        """Take an event of a watch."""
        if deleted:
            self._queue.add(self._observed.forget(name, now.version))
        else:
            self._queue.add(self._observed.note(name, now))

    async def _work(self, key: ObjectKey, pressed: bool) -> float:
        """Reconcile, and count how that went."""
        result = "error"
        with RECONCILE_SECONDS.labels(key.kind).time():
            try:
                again_s = await self._reconciler.reconcile(key, pressed)
                result = "deferred" if again_s == LEISURE else "success"
            except RetryError:
                result = "requeue"
                raise
            finally:
                RECONCILES.labels(key.kind, result).inc()
        LAST_SUCCESS.set(time.time())
        return again_s
