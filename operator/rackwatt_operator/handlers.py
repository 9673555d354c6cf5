"""What kopf calls: an event is made brief, and handed on. Nothing else happens here."""

from collections.abc import Callable, Iterable
from typing import Any

import kopf

from rackwatt_operator.kube.auth import ClusterCredentials, CredentialsError, Middleware
from rackwatt_operator.kube.cached_object import CachedObject, ref, seen
from rackwatt_operator.kube.resources import ObjectKey, Resource
from rackwatt_operator.metrics import LAST_EVENT, WATCH_EVENTS

Deliver = Callable[[ObjectKey, CachedObject, bool], object]
"""Takes an object, as it is now or as it was when it was deleted."""


def handlers(
    kinds: Iterable[Resource], login: ClusterCredentials, deliver: Deliver, hear: Middleware
) -> kopf.OperatorRegistry:
    """Make a registry with a handler for each kind, and one way to log in.

    `hear` is told of each request that kopf makes, and of its answer.
    """
    registry = kopf.OperatorRegistry()
    for kind in kinds:
        _watch(kind, deliver, registry)

    @kopf.on.login(registry=registry)
    async def enter(**_: Any) -> kopf.AiohttpSession:
        try:
            await login.renew()
        except CredentialsError as error:
            raise kopf.TemporaryError(str(error), delay=10) from None
        return kopf.AiohttpSession(server=login.server, aiohttp_session=login.session(hear))

    return registry


def _watch(kind: Resource, deliver: Deliver, registry: kopf.OperatorRegistry) -> None:
    events, last = WATCH_EVENTS.labels(kind.kind), LAST_EVENT.labels(kind.kind)

    @kopf.on.event(kind.group, kind.version, kind.plural, registry=registry)
    async def noted(event: kopf.RawEvent, **_: Any) -> None:
        raw: Any = event["object"]
        deliver(ref(raw, kind.kind), seen(raw, kind.kind), event["type"] == "DELETED")
        events.inc()
        last.set_to_current_time()
