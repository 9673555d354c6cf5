"""kopf, in a thread and an event loop of its own, from where it hands on what it sees.

It ends when a kind vanishes under it, or on an answer that it does not know, and some of its tasks
then live on; or it cancels whatever tasks the loop has. In a loop of its own neither does harm:
when it ends nothing is left, and it can be started anew.

It watches, and others list (`cluster.listing`): of the lists that it asks for itself it is given no
more than the version to watch from. Its requests tell when watching has begun, or has begun anew
because its past was forgotten: whoever lists after that misses nothing.
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

from rackwatt_operator.handlers import Deliver, handlers
from rackwatt_operator.kopf_settings import settings
from rackwatt_operator.kube.auth import ClusterCredentials, Handler, Middleware
from rackwatt_operator.kube.cached_object import CachedObject
from rackwatt_operator.kube.resources import ObjectKey, Resource
from rackwatt_operator.kube.watch_filter import IsNewer, WatchFilter

log = logging.getLogger(__name__)

_END_S = 10.0
_CANCELLED_S = 1.0

Opened = dict[str, asyncio.Transport]
"""Connections of a run's watches, by their paths."""

_NOTHING = {"fieldSelector": "metadata.name=-"}
"""Chooses no object at all: none may be called so."""


class Informer:
    """Watches kinds in namespaces (all, where none is named), and delivers events to this loop."""

    def __init__(
        self, login: ClusterCredentials, namespaces: Sequence[str], news: IsNewer, deliver: Deliver
    ) -> None:
        self._login = login
        self._namespaces = namespaces
        self._news = news
        self._deliver = deliver
        self.watching = asyncio.Event()
        """Set whenever a watch of each kind in each namespace has begun, or has begun anew."""

    async def run(self, kinds: Sequence[Resource]) -> str:
        """Watch until it ends by itself, and tell why; or until cancelled."""
        self.watching.clear()
        loop, inner = asyncio.get_running_loop(), uvloop.new_event_loop()
        ended: asyncio.Future[str] = loop.create_future()
        inner.set_exception_handler(_noticed)
        stop = asyncio.Event()

        def work() -> None:
            told = self._work(kinds, loop, inner, stop)
            with suppress(RuntimeError):  # nobody is there any more to be told
                loop.call_soon_threadsafe(ended.set_result, told)

        threading.Thread(target=work, name="kopf", daemon=True).start()
        try:
            return await asyncio.shield(ended)
        finally:
            with suppress(RuntimeError):  # it has ended
                inner.call_soon_threadsafe(stop.set)
            await asyncio.wait([ended], timeout=_END_S)

    def _work(
        self,
        kinds: Sequence[Resource],
        loop: asyncio.AbstractEventLoop,
        inner: asyncio.AbstractEventLoop,
        stop: asyncio.Event,
    ) -> str:
        """Be the thread."""
        opened: Opened = {}
        hear = self._hears(kinds, loop, opened)
        registry = handlers(kinds, self._login, self._delivers(loop), hear)
        try:
            with asyncio.Runner(loop_factory=lambda: inner) as runner:
                runner.run(self._kopf(registry, stop, opened))
        except Exception as error:  # whatever it was: it is told, and watching begins anew
            return str(error) or type(error).__name__
        return "it was told to end"

    async def _kopf(
        self, registry: kopf.OperatorRegistry, stop: asyncio.Event, opened: Opened
    ) -> None:
        """Run kopf until it is told to end, or until a task of its has ended by itself.

        It would close its session first then, and wait for its watches, which wait for a new one
        for ever. So they end before.
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
            for transport in opened.values():  # a farewell of TLS would outlast this loop
                transport.abort()

    def _delivers(self, loop: asyncio.AbstractEventLoop) -> Deliver:
        """Make what hands events on: to wake a loop costs more than to work on an event."""
        waiting: deque[tuple[ObjectKey, CachedObject, bool]] = deque()

        def take() -> None:
            try:
                while waiting:
                    self._deliver(*waiting.popleft())
            finally:
                if waiting:  # one could not be taken; the others are
                    loop.call_soon(take)

        def deliver(name: ObjectKey, now: CachedObject, deleted: bool) -> None:
            waiting.append((name, now, deleted))
            if len(waiting) == 1:  # else it was woken already, and has not taken all yet
                loop.call_soon_threadsafe(take)

        return deliver

    def _hears(
        self, kinds: Sequence[Resource], loop: asyncio.AbstractEventLoop, opened: Opened
    ) -> Middleware:
        """Make what hears requests, and tells when the last watch after a list has begun.

        A list it leaves empty; from what a watch answers it takes the echoes.
        """
        places: Sequence[str | None] = self._namespaces or (None,)
        paths = frozenset(kind.path(place) for kind in kinds for place in places)
        awaited = set(paths)

        async def hear(request: aiohttp.ClientRequest, handler: Handler) -> aiohttp.ClientResponse:
            path = request.url.path.removeprefix(self._login.path)
            if "watch" not in request.url.query:
                if path in paths:  # else it looks for kinds
                    awaited.add(path)
                    request.url = request.url.update_query(_NOTHING)
                return await handler(request)
            if path in awaited:
                awaited.discard(path)
                if not awaited:
                    loop.call_soon_threadsafe(self.watching.set)
            answer = await handler(request)
            if answer.connection and answer.connection.transport:
                opened[path] = answer.connection.transport
            answer.content = cast(aiohttp.StreamReader, WatchFilter(answer.content, self._news))
            return answer

        return hear


def _noticed(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Let what kopf's own tasks leave behind as they end be told to its developers alone."""
    log.debug("kopf: %s: %r", context.get("message"), context.get("exception"))
