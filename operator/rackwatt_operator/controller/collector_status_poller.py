"""The collectors asked for their `/status`, over the pod network, as Prometheus asks them.

Where they are is known from the EndpointSlices of their Service, which are watched: asking costs
the API server nothing. While what they tell changes they are asked again soon, so that it is known
what it comes to.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import aiohttp

from rackwatt_crds.status import MOST_WORST
from rackwatt_operator.controller.access import Access, AccessError, Accesses
from rackwatt_operator.kube.cache import Cache
from rackwatt_operator.kube.resources import ObjectKey
from rackwatt_operator.manifests import naming
from rackwatt_operator.status.collector_status import Answer, CollectorStatus, answer, together

log = logging.getLogger(__name__)

EVERY_S = 30.0
SOON_S = 3.0
_MOST_RESTLESS = 20
_ANSWER_S = 5.0
_AT_ONCE = 32
_LARGEST = 1024 * 1024
_TICK_S = 0.5
_REFUSED = (
    "the collectors refuse the operator: spec.web.credentials names a Secret whose user and "
    "password their web configuration lets in"
)


class CollectorStatusPoller:
    """Asks the collectors of every document, each on its own beat."""

    def __init__(
        self,
        observed: Cache,
        accesses: Accesses,
        changed: Callable[[Iterable[ObjectKey]], None],
    ) -> None:
        self._observed = observed
        self._accesses = accesses
        self._changed = changed
        self._told: dict[ObjectKey, CollectorStatus] = {}
        self._due_s: dict[ObjectKey, float] = {}
        self._asking: set[ObjectKey] = set()
        self._restless: Counter[ObjectKey] = Counter()
        self._places = asyncio.Semaphore(_AT_ONCE)

    def told(self, key: ObjectKey) -> CollectorStatus | None:
        """Give what a document's collectors told last; None while there is none to ask."""
        return self._told.get(key)

    def awaited(self, key: ObjectKey) -> bool:
        """Tell whether there are collectors that were never asked, as after a restart of ours.

        They are asked within seconds then, and the document is queued.
        """
        if key in self._told or not any(self._urls(key)):
            return False
        self._due_s[key] = min(self._due_s.get(key, 0.0), _now_s() + SOON_S)
        return True

    def forget(self, key: ObjectKey) -> None:
        """Let go of a document that is no more."""
        self._told.pop(key, None)
        self._due_s.pop(key, None)
        self._accesses.forget(key)
        del self._restless[key]

    async def run(self, leading: asyncio.Event) -> None:
        """Ask while we lead, until cancelled."""
        timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
        connector = aiohttp.TCPConnector(limit=_AT_ONCE, force_close=True)
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=connector) as session,
            asyncio.TaskGroup() as group,
        ):
            while True:
                await leading.wait()
                for key in self._due():
                    group.create_task(self._round(session, key))
                await asyncio.sleep(_TICK_S)

    def _due(self) -> Iterator[ObjectKey]:
        now_s = _now_s()
        for key in list(self._observed.documents()):
            due = key not in self._asking and self._due_s.get(key, 0.0) <= now_s
            if due and self._accesses.known(key):
                self._due_s[key] = now_s + EVERY_S
                yield key

    async def _round(self, session: aiohttp.ClientSession, key: ObjectKey) -> None:
        """Ask all collectors of a document, and have it looked at if any was there to ask."""
        self._asking.add(key)
        answers = await self._answers(session, key)
        self._asking.discard(key)
        if key not in self._observed.objects:
            return
        before = self._told.pop(key, None)
        if answers:
            heard = [one if isinstance(one, Answer) else None for one in answers]
            why = next((one for one in answers if isinstance(one, str)), "")
            self._told[key] = together(heard, MOST_WORST, why)
        elif before is None:
            self._due_s[key] = _now_s() + SOON_S
            return
        if self._changes(key, before):
            self._due_s[key] = _now_s() + SOON_S
        self._changed([key])

    async def _answers(
        self, session: aiohttp.ClientSession, key: ObjectKey
    ) -> Sequence[Answer | str | None]:
        """Ask each collector; text stands for an answer where it is known why there is none."""
        urls = list(self._urls(key))
        try:
            access = await self._accesses.access(key) if urls else Access()
        except AccessError as error:
            return [str(error)] * len(urls)
        answers = await asyncio.gather(*(self._ask(session, url, access) for url in urls))
        if _REFUSED in answers:
            self._accesses.forget(key)
        return answers

    def _changes(self, key: ObjectKey, before: CollectorStatus | None) -> bool:
        """Tell whether to ask again soon: it is not whole, or was another before; not for ever."""
        now = self._told.get(key)
        if now is not None and now.whole and now.agrees(before):
            del self._restless[key]
            return False
        self._restless[key] += 1
        return self._restless[key] < _MOST_RESTLESS

    def _urls(self, key: ObjectKey) -> Iterator[str]:
        service = ObjectKey("Service", key.namespace, naming.base(key.kind, key.name))
        for name in sorted(self._observed.slices(service)):
            content = self._observed.content(name)
            port = next((one for one in content.get("ports") or () if one.get("port")), None)
            for endpoint in content.get("endpoints") or ():
                if port and (endpoint.get("conditions") or {}).get("ready") is not False:
                    yield _url(endpoint["addresses"][0], port)

    async def _ask(
        self, session: aiohttp.ClientSession, url: str, access: Access
    ) -> Answer | str | None:
        try:
            async with (
                self._places,
                session.get(
                    url,
                    allow_redirects=False,
                    headers=access.headers,
                    ssl=access.tls or True,
                    server_hostname=access.server_name,
                ) as response,
            ):
                if response.status in (401, 403):
                    return _REFUSED
                body = await response.content.read(_LARGEST)
                while chunk := await response.content.read(_LARGEST - len(body)):
                    body += chunk
                return answer(body) if response.status == 200 else None
        except aiohttp.ClientSSLError as error:
            return f"TLS with a collector fails ({error}): does spec.web.tls fit its certificate?"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.debug("%s: %s", url, error)
            return None


def _url(address: str, port: Mapping[str, Any]) -> str:
    """Write the URL of a page; the port is called by its scheme."""
    host = f"[{address}]" if ":" in address else address
    scheme = "https" if port.get("name") == "https" else "http"
    return f"{scheme}://{host}:{port['port']}/status?failing={MOST_WORST}"


def _now_s() -> float:
    return asyncio.get_running_loop().time()
