"""What kopf calls: an event is noted, and whom it concerns is queued. Nothing else happens here."""

from collections.abc import Iterable
from typing import Any

import kopf

from rackwatt_operator.cluster.kinds import Kind
from rackwatt_operator.cluster.login import Login, LoginError
from rackwatt_operator.cluster.observed import Observed
from rackwatt_operator.reconcile.queue import Queue
from rackwatt_operator.telemetry import LAST_EVENT, WATCH_EVENTS


def handlers(
    kinds: Iterable[Kind], observed: Observed, queue: Queue, login: Login
) -> kopf.OperatorRegistry:
    """Make a registry with a handler for each kind, and one way to log in."""
    registry = kopf.OperatorRegistry()
    for kind in kinds:
        _watch(kind, observed, queue, registry)

    @kopf.on.login(registry=registry)
    async def enter(**_: Any) -> kopf.AiohttpSession:
        try:
            await login.renew()
        except LoginError as error:
            raise kopf.TemporaryError(str(error), delay=10) from None
        return kopf.AiohttpSession(server=login.server, aiohttp_session=login.session())

    return registry


def _watch(kind: Kind, observed: Observed, queue: Queue, registry: kopf.OperatorRegistry) -> None:
    @kopf.on.event(kind.group, kind.version, kind.plural, registry=registry)
    async def noted(event: kopf.RawEvent, **_: Any) -> None:
        take = observed.deleted if event["type"] == "DELETED" else observed.note
        queue.add(take(kind.kind, event["object"]))
        WATCH_EVENTS.labels(kind.kind).inc()
        LAST_EVENT.labels(kind.kind).set_to_current_time()
