"""kopf event handlers: convert each raw event to a CachedObject and pass it on."""

from collections.abc import Callable, Iterable
from typing import Any

import kopf

from rackwatt_operator.kube.auth import ClusterCredentials, CredentialsError, Middleware
from rackwatt_operator.kube.cached_object import CachedObject, object_key, parse_object
from rackwatt_operator.kube.resources import ObjectKey, Resource
from rackwatt_operator.metrics import LAST_EVENT, WATCH_EVENTS

Deliver = Callable[[ObjectKey, CachedObject, bool], object]
"""Called with an object, as it is now or as it was when it was deleted."""


def build_registry(
    kinds: Iterable[Resource], login: ClusterCredentials, deliver: Deliver, middleware: Middleware
) -> kopf.OperatorRegistry:
    """Build a registry with an event handler per kind, and a login handler.

    `middleware` wraps every request of kopf.
    """
    registry = kopf.OperatorRegistry()
    for kind in kinds:
        _watch(kind, deliver, registry)

    @kopf.on.login(registry=registry)
    async def on_login(**_: Any) -> kopf.AiohttpSession:
        try:
            await login.renew()
        except CredentialsError as error:
            raise kopf.TemporaryError(str(error), delay=10) from None
        return kopf.AiohttpSession(server=login.server, aiohttp_session=login.session(middleware))

    return registry


def _watch(kind: Resource, deliver: Deliver, registry: kopf.OperatorRegistry) -> None:
    events, last = WATCH_EVENTS.labels(kind.kind), LAST_EVENT.labels(kind.kind)

    @kopf.on.event(kind.group, kind.version, kind.plural, registry=registry)
    async def on_event(event: kopf.RawEvent, **_: Any) -> None:
        raw: Any = event["object"]
        deliver(
            object_key(raw, kind.kind), parse_object(raw, kind.kind), event["type"] == "DELETED"
        )
        events.inc()
        last.set_to_current_time()
