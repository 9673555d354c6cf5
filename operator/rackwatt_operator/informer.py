"""Informer: kopf in a thread and an event loop of its own, which delivers watch events.

kopf stops when a watched kind is removed or on an unexpected response, and then leaves tasks
running, or cancels all tasks of the loop. In a loop of its own neither does harm, and it can be
restarted.

kopf only watches; `kube.relist` lists. The lists that kopf requests return nothing but the resource
version to watch from. Its requests show when the watches have started or restarted: a list after
that misses no change.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, cast

import aiohttp
import kopf
import uvloop

from rackwatt_operator.handlers import Deliver, build_registry
from rackwatt_operator.kopf_settings import settings
from rackwatt_operator.kube.auth import ClusterCredentials, Handler, Middleware
from rackwatt_operator.kube.cached_object import CachedObject
from rackwatt_operator.kube.resources import ObjectKey, Resource
from rackwatt_operator.kube.watch_filter import IsNewer, WatchFilter

log = logging.getLogger(__name__)

_END_S = 10.0
_CANCELLED_S = 1.0

Opened = dict[str, asyncio.Transport]
"""Transports of the watches, by path."""

_NO_OBJECT = {"fieldSelector": "metadata.name=-"}
"""Selects no object: the name is not valid."""


class Informer:
    """Watches kinds in namespaces (all, if none is named), and delivers events to this loop."""

    def __init__(
        self,
        login: ClusterCredentials,
        namespaces: Sequence[str],
        is_newer: IsNewer,
        deliver: Deliver,
    ) -> None:
        self._login = login
        self._namespaces = namespaces
        self._is_newer = is_newer
        self._deliver = deliver
        self.watching = asyncio.Event()
        """Set whenever the watches of all kinds and namespaces have started or restarted."""

    async def run(self, kinds: Sequence[Resource]) -> str:
        """Watch until kopf stops, and return why; or until cancelled."""
        self.watching.clear()
        loop, inner = asyncio.get_running_loop(), uvloop.new_event_loop()
        ended: asyncio.Future[str] = loop.create_future()
        inner.set_exception_handler(_log_loop_error)
        stop = asyncio.Event()

        def work() -> None:
            reason = self._work(kinds, loop, inner, stop)
            with suppress(RuntimeError):  # the outer loop is closed
                loop.call_soon_threadsafe(ended.set_result, reason)

        threading.Thread(target=work, name="kopf", daemon=True).start()
        try:
            return await asyncio.shield(ended)
        finally:
            with suppress(RuntimeError):  # the inner loop is closed
                inner.call_soon_threadsafe(stop.set)
            await asyncio.wait([ended], timeout=_END_S)

    def _work(
        self,
        kinds: Sequence[Resource],
        loop: asyncio.AbstractEventLoop,
        inner: asyncio.AbstractEventLoop,
        stop: asyncio.Event,
    ) -> str:
        """Run kopf in this thread; return why it stopped."""
        opened: Opened = {}
        middleware = self._middleware(kinds, loop, opened)
        registry = build_registry(kinds, self._login, self._delivery(loop), middleware)
        try:
            with asyncio.Runner(loop_factory=lambda: inner) as runner:
                runner.run(self._kopf(registry, stop, opened))
        except Exception as error:  # the reflector logs it and restarts
            return str(error) or type(error).__name__
        return "kopf was stopped"

    async def _kopf(
        self, registry: kopf.OperatorRegistry, stop: asyncio.Event, opened: Opened
    ) -> None:
        """Run kopf until it is stopped, or until one of its tasks ends.

        In the latter case it closes its session first, and waits for its watches, which wait
        forever for a new session. So the watches are cancelled before.
        """
        tasks = await kopf.spawn_tasks(
            registry=registry,
            settings=settings(),
            standalone=True,
            clusterwide=not self._namespaces,
            namespaces=self._namespaces,
            stop_flag=stop,
            # For peers, which a standalone operator has not. Its default needs the user's name, and
            # a uid that OpenShift assigned has none.
            identity=cast(Any, "rackwatt-operator"),
        )
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        ours = {task for task in (asyncio.current_task(),) if task}
        watches = asyncio.all_tasks() - ours - {*tasks}
        if watches and not stop.is_set():
            for task in watches:
                task.cancel()
            await asyncio.wait(watches, timeout=_CANCELLED_S)
        try:
            await kopf.run_tasks(tasks, ignored=ours)
        finally:
            for transport in opened.values():  # a TLS close_notify would outlast this loop
                transport.abort()

    def _delivery(self, loop: asyncio.AbstractEventLoop) -> Deliver:
        """Return a callback that batches events: waking a loop costs more than an event."""
        waiting: deque[tuple[ObjectKey, CachedObject, bool]] = deque()

        def flush() -> None:
            try:
                while waiting:
                    self._deliver(*waiting.popleft())
            finally:
                if waiting:  # one failed; deliver the others
                    loop.call_soon(flush)

        def deliver(name: ObjectKey, now: CachedObject, deleted: bool) -> None:
            waiting.append((name, now, deleted))
            if len(waiting) == 1:  # else the loop was woken already
                loop.call_soon_threadsafe(flush)

        return deliver

    def _middleware(
        self, kinds: Sequence[Resource], loop: asyncio.AbstractEventLoop, opened: Opened
    ) -> Middleware:
        """Return a middleware that detects when the last watch after a list has started.

        It makes lists empty, and filters echoes from watches.
        """
        namespaces: Sequence[str | None] = self._namespaces or (None,)
        paths = frozenset(kind.path(one) for kind in kinds for one in namespaces)
        awaited = set(paths)

        async def intercept(
            request: aiohttp.ClientRequest, handler: Handler
        ) -> aiohttp.ClientResponse:
            path = request.url.path.removeprefix(self._login.path)
            if "watch" not in request.url.query:
                if path in paths:  # else it is discovery
                    awaited.add(path)
                    request.url = request.url.update_query(_NO_OBJECT)
                return await handler(request)
            if path in awaited:
                awaited.discard(path)
                if not awaited:
                    loop.call_soon_threadsafe(self.watching.set)
            response = await handler(request)
            if response.connection and response.connection.transport:
                opened[path] = response.connection.transport
            filtered = WatchFilter(response.content, self._is_newer)
            response.content = cast(aiohttp.StreamReader, filtered)
            return response

        return intercept


def _log_loop_error(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log errors of kopf's remaining tasks at debug level."""
    log.debug("kopf: %s: %r", context.get("message"), context.get("exception"))
