"""Poller of the collectors' `/status`, over the pod network, as Prometheus scrapes them.

Addresses come from the watched EndpointSlices of their Service, so polling costs the API server
nothing. Collectors whose status changes are polled again soon, so that the conditions follow.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import aiohttp

from rackwatt_crds.status import MAX_FAILING_TARGETS
from rackwatt_operator.controller.access import Access, AccessError, Accesses
from rackwatt_operator.kube.cache import Cache
from rackwatt_operator.kube.resources import ObjectKey
from rackwatt_operator.manifests import naming
from rackwatt_operator.status.collector_status import (
    CollectorStatus,
    StatusResponse,
    aggregate,
    parse,
)

log = logging.getLogger(__name__)

EVERY_S = 30.0
SOON_S = 3.0
_MAX_UNSETTLED = 20
_ANSWER_S = 5.0
_AT_ONCE = 32
_LARGEST = 1024 * 1024
_TICK_S = 0.5
_REFUSED = (
    "the collectors reject the operator: spec.web.credentials must reference a Secret whose user "
    "and password their web configuration accepts"
)
_FORBIDDEN = (
    "the collectors reject the operator's certificate: client_allowed_sans of their web "
    "configuration has no name of the one in spec.web.tls.clientSecretRef"
)
_HUNG_UP = (
    "the collectors hang up on the operator during TLS. If their web configuration requires client "
    "certificates, spec.web.tls.clientSecretRef must name a Secret with one of its client_ca_file"
)
_REFUSALS = {401: _REFUSED, 403: _FORBIDDEN}


class CollectorStatusPoller:
    """Polls the collectors of every resource, each at its own interval."""

    def __init__(
        self,
        cache: Cache,
        accesses: Accesses,
        changed: Callable[[Iterable[ObjectKey]], None],
    ) -> None:
        self._cache = cache
        self._accesses = accesses
        self._changed = changed
        self._statuses: dict[ObjectKey, CollectorStatus] = {}
        self._due_s: dict[ObjectKey, float] = {}
        self._polling: set[ObjectKey] = set()
        self._unsettled: Counter[ObjectKey] = Counter()
        self._slots = asyncio.Semaphore(_AT_ONCE)

    def status(self, key: ObjectKey) -> CollectorStatus | None:
        """Return the last status of a resource's collectors; None while there are none."""
        return self._statuses.get(key)

    def first_poll_pending(self, key: ObjectKey) -> bool:
        """Return whether collectors exist that were never polled, as after an operator restart.

        They are polled within seconds then, and the resource is queued.
        """
        if key in self._statuses or not any(self._urls(key)):
            return False
        self._due_s[key] = min(self._due_s.get(key, 0.0), _now_s() + SOON_S)
        return True

    def remove(self, key: ObjectKey) -> None:
        """Remove the state of a deleted resource."""
        self._statuses.pop(key, None)
        self._due_s.pop(key, None)
        self._accesses.forget(key)
        del self._unsettled[key]

    async def run(self, leading: asyncio.Event) -> None:
        """Poll while this process is the leader, until cancelled."""
        timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
        connector = aiohttp.TCPConnector(limit=_AT_ONCE, force_close=True)
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=connector) as session,
            asyncio.TaskGroup() as group,
        ):
            while True:
                await leading.wait()
                for key in self._due():
                    group.create_task(self._poll_all(session, key))
                await asyncio.sleep(_TICK_S)

    def _due(self) -> Iterator[ObjectKey]:
        now_s = _now_s()
        for key in list(self._cache.documents()):
            due = key not in self._polling and self._due_s.get(key, 0.0) <= now_s
            if due and self._accesses.known(key):
                self._due_s[key] = now_s + EVERY_S
                yield key

    async def _poll_all(self, session: aiohttp.ClientSession, key: ObjectKey) -> None:
        """Poll all collectors of a resource, and queue the resource if there are any."""
        self._polling.add(key)
        responses = await self._responses(session, key)
        self._polling.discard(key)
        if key not in self._cache.objects:
            return
        before = self._statuses.pop(key, None)
        if responses:
            valid = [one if isinstance(one, StatusResponse) else None for one in responses]
            reason = next((one for one in responses if isinstance(one, str)), "")
            self._statuses[key] = aggregate(valid, MAX_FAILING_TARGETS, reason)
        elif before is None:
            self._due_s[key] = _now_s() + SOON_S
            return
        if self._changes(key, before):
            self._due_s[key] = _now_s() + SOON_S
        self._changed([key])

    async def _responses(
        self, session: aiohttp.ClientSession, key: ObjectKey
    ) -> Sequence[StatusResponse | str | None]:
        """Poll each collector; text in place of a response is the reason why there is none."""
        urls = list(self._urls(key))
        try:
            access = await self._accesses.access(key) if urls else Access()
        except AccessError as error:
            return [str(error)] * len(urls)
        responses = await asyncio.gather(*(self._poll(session, url, access) for url in urls))
        if any(isinstance(one, str) for one in responses):
            self._accesses.forget(key)
        return responses

    def _changes(self, key: ObjectKey, before: CollectorStatus | None) -> bool:
        """Return whether to poll again soon: incomplete or changed; at most a number of times."""
        now = self._statuses.get(key)
        if now is not None and now.complete and now.same_outcome(before):
            del self._unsettled[key]
            return False
        self._unsettled[key] += 1
        return self._unsettled[key] < _MAX_UNSETTLED

    def _urls(self, key: ObjectKey) -> Iterator[str]:
        service = ObjectKey("Service", key.namespace, naming.base(key.kind, key.name))
        for name in sorted(self._cache.slices(service)):
            content = self._cache.content(name)
            port = next((one for one in content.get("ports") or () if one.get("port")), None)
            for endpoint in content.get("endpoints") or ():
                if port and (endpoint.get("conditions") or {}).get("ready") is not False:
                    yield _url(endpoint["addresses"][0], port)

    async def _poll(
        self, session: aiohttp.ClientSession, url: str, access: Access
    ) -> StatusResponse | str | None:
        try:
            async with (
                self._slots,
                session.get(
                    url,
                    allow_redirects=False,
                    headers=access.headers,
                    ssl=access.tls or True,
                    server_hostname=access.server_name,
                ) as response,
            ):
                if response.status in _REFUSALS:
                    return _REFUSALS[response.status]
                body = await response.content.read(_LARGEST)
                while chunk := await response.content.read(_LARGEST - len(body)):
                    body += chunk
                return parse(body) if response.status == 200 else None
        except aiohttp.ClientSSLError as error:
            return f"TLS with a collector fails ({error}): does spec.web.tls fit its certificate?"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.debug("%s: %s", url, error)
            return _HUNG_UP if access.tls and _hung_up(error) else None


def _hung_up(error: Exception) -> bool:
    """Return whether a server closed the connection, in TLS 1.3 after the handshake.

    asyncio does not pass on the alert that says why.
    """
    if isinstance(error, aiohttp.ClientConnectorError):
        return isinstance(error.os_error, ConnectionResetError)
    return isinstance(error, aiohttp.ServerDisconnectedError)


def _url(address: str, port: Mapping[str, Any]) -> str:
    """Return the URL of a collector's status; the port's name is the scheme."""
    host = f"[{address}]" if ":" in address else address
    scheme = "https" if port.get("name") == "https" else "http"
    return f"{scheme}://{host}:{port['port']}/status?failing={MAX_FAILING_TARGETS}"


def _now_s() -> float:
    return asyncio.get_running_loop().time()
