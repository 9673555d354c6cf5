"""The operator process: wires cache, queue, reconciler, reflector, leader election and health."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import web

from rackwatt_operator.controller.access import Accesses
from rackwatt_operator.controller.api_grant import ApiGrant, GrantScope
from rackwatt_operator.controller.apply import Applier
from rackwatt_operator.controller.child_status import ChildStatusReader
from rackwatt_operator.controller.collector_status_poller import CollectorStatusPoller
from rackwatt_operator.controller.plan_cache import PlanCache
from rackwatt_operator.controller.reconciler import Reconciler
from rackwatt_operator.controller.status_writer import StatusWriter
from rackwatt_operator.controller.workqueue import Result, RetryError, WorkQueue
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
from rackwatt_operator.object_metrics import ObjectMetricsCollector
from rackwatt_operator.reflector import Reflector

log = logging.getLogger(__name__)

WORKERS = 24
"""Concurrent reconciliations: so many applies keep an API server of a few cores busy."""
_DRAIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Scope:
    """Watched namespaces (all, if none is named), Lease, resync interval, and what is granted."""

    namespaces: Sequence[str] = ()
    lease_namespace: str = "default"
    lease_s: float = 5.0
    resync_s: float = 600.0
    grant: GrantScope = field(default_factory=GrantScope)


class Operator:
    """One operator process, with one identity."""

    def __init__(self, login: ClusterCredentials, defaults: Defaults, scope: Scope) -> None:
        self._client = client = Client(login)
        self._cache = cache = Cache()
        capabilities = Capabilities(client, scope.namespaces)
        self._queue = WorkQueue(self._reconcile, WORKERS)
        plans = PlanCache(cache, capabilities, defaults)
        accesses = Accesses(client, plans.web)
        self._collectors = CollectorStatusPoller(cache, accesses, self._queue.add)
        self._reconciler = Reconciler(
            cache,
            plans,
            Applier(client, cache),
            ApiGrant(client, cache, scope.grant),
            StatusWriter(
                client,
                cache,
                capabilities,
                self._collectors,
                ChildStatusReader(client, cache),
                self._queue.add,
            ),
        )
        self._elector = LeaderElector(
            client, scope.lease_namespace, scope.lease_s, self._update_active
        )
        self._reflector = Reflector(
            capabilities,
            Relister(client, cache, scope.namespaces),
            Informer(login, scope.namespaces, cache.is_stale, self._on_event),
            self._queue,
            scope.resync_s,
            self._update_active,
        )
        self._health = Health(self._queue, self._reflector, scope.resync_s)
        REGISTRY.register(ObjectMetricsCollector(cache))

    def application(self) -> web.Application:
        """Build the application that serves health and metrics."""
        return self._health.application()

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set, then drain the queue and release the Lease."""
        tasks = [
            asyncio.create_task(work)
            for work in (
                self._reflector.run(),
                self._elector.run(),
                self._queue.run(),
                self._collectors.run(self._elector.leading),
                self._health.loop_lag.run(),
            )
        ]
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
        log.info("stopping")
        await self._queue.drain(_DRAIN_S)
        await self._elector.release()
        for task in (waiting, *tasks):
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for outcome in outcomes:  # a task that ends by itself has failed
            if isinstance(outcome, Exception):
                raise outcome

    async def close(self) -> None:
        """Close the connections to the API server."""
        await self._client.close()

    def _update_active(self) -> None:
        """Dispatch keys while this process leads and everything was listed."""
        self._queue.set_active(self._elector.leading.is_set() and self._reflector.listed.is_set())

    def _on_event(self, name: ObjectKey, now: CachedObject, deleted: bool) -> None:
        """Update the cache with a watch event, and queue the affected resources."""
        if deleted:
            self._queue.add(self._cache.remove(name, now.resource_version))
        else:
            self._queue.add(self._cache.update(name, now))

    async def _reconcile(self, key: ObjectKey, busy: bool) -> Result:
        """Reconcile, and count the result."""
        outcome = "error"
        with RECONCILE_SECONDS.labels(key.kind).time():
            try:
                result = await self._reconciler.reconcile(key, busy)
                outcome = "deferred" if result.low_priority else "success"
            except RetryError:
                outcome = "requeue"
                raise
            finally:
                RECONCILES.labels(key.kind, outcome).inc()
        LAST_SUCCESS.set(time.time())
        return result
