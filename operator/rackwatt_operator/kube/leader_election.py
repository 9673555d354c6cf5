"""The Lease: of several operators one works, and another takes over within seconds.

The holder renews it; whoever waits looks whether it still changes, by its own clock alone (nobody's
wall clock is compared with another's). One that is ended in order gives it back, so that the next
has it at once. The official client's election asks twice for each renewal, compares wall clocks,
and never gives back.
"""

import asyncio
import contextlib
import logging
import socket
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from rackwatt_operator.kube.client import Client, Manifest
from rackwatt_operator.kube.errors import ApiError
from rackwatt_operator.kube.resources import LEASE
from rackwatt_operator.metrics import LEADER

log = logging.getLogger(__name__)

NAME = "rackwatt-operator"
_RENEWALS = 3
_LOOKS = 5
_SAFE = 0.8


class LeaderElector:
    """One candidate; `leading` is set while it holds the Lease, and `changed` hears of it."""

    def __init__(
        self, client: Client, namespace: str, duration_s: float, changed: Callable[[], None]
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._duration_s = duration_s
        self._changed = changed
        self._identity = f"{socket.gethostname()}_{uuid.uuid4()}"
        self._held: Manifest | None = None
        self._renewed_s = 0.0
        self._seen: Any = None
        self._seen_s = 0.0
        self._turning = asyncio.Lock()
        self._troubled = False
        self.leading = asyncio.Event()

    async def run(self) -> None:
        """Take it when it can be had, and keep it, until cancelled."""
        while True:
            began_s = _now_s()
            try:
                async with (
                    asyncio.timeout(min(self._duration_s / 2, self._safe_s())),
                    self._turning,
                ):
                    await self._turn()
            except (ApiError, TimeoutError) as error:
                self._note(str(error) or "no answer in time")
            else:
                self._note("")
            part = _RENEWALS if self.leading.is_set() else _LOOKS
            rest_s = began_s + self._duration_s / part - _now_s()
            await asyncio.sleep(max(0.0, min(rest_s, self._safe_s())))
            if self._safe_s() <= 0:
                self._lose()

    def _safe_s(self) -> float:
        """Tell for how long we may yet believe that we lead; for ever where we do not."""
        if not self.leading.is_set():
            return float("inf")
        return self._renewed_s + _SAFE * self._duration_s - _now_s()

    def _note(self, trouble: str) -> None:
        """Tell of trouble when it begins and when it is over, and not of every try between."""
        if trouble and not self._troubled:
            log.warning("the Lease: %s", trouble)
        elif self._troubled and not trouble:
            log.info("the Lease: the API server answers again")
        self._troubled = bool(trouble)

    async def release(self) -> None:
        """Give it back, so that nobody has to wait; a renewal that is under way comes first."""
        with contextlib.suppress(ApiError, TimeoutError):
            async with asyncio.timeout(self._duration_s), self._turning:
                if self._held is not None and self.leading.is_set():
                    self._held["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}
                    await self._client.replace(self._path, self._held)
        if self.leading.is_set():
            self._lose()

    @property
    def _path(self) -> str:
        return LEASE.path(self._namespace, NAME)

    async def _turn(self) -> None:
        if self._held is not None:
            try:
                await self._take(self._held)
                return
            except ApiError as error:
                if error.status != 409:
                    raise
                self._held = None  # somebody took it, or our last renewal's answer was lost
        found = await self._look()
        if found is None:
            await self._create()
        elif self._free(found):
            await self._take(found)
        elif self.leading.is_set():
            self._lose()

    async def _look(self) -> Manifest | None:
        try:
            return await self._client.get(self._path)
        except ApiError as error:
            if error.status != 404:
                raise
            return None

    def _free(self, found: Manifest) -> bool:
        """Tell whether it was given back, or has not changed for as long as it was taken for."""
        spec = found.get("spec") or {}
        if spec.get("holderIdentity") in (None, "", self._identity):
            return True
        told = (spec["holderIdentity"], spec.get("renewTime"))
        if told != self._seen:
            self._seen, self._seen_s = told, _now_s()
        return _now_s() - self._seen_s > float(spec.get("leaseDurationSeconds") or 0)

    async def _create(self) -> None:
        manifest = {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": {"name": NAME, "namespace": self._namespace},
            "spec": self._spec({}),
        }
        asked_s = _now_s()
        self._hold(await self._client.create(LEASE.path(self._namespace), manifest), asked_s)

    async def _take(self, found: Manifest) -> None:
        asked_s = _now_s()
        told = found | {"spec": self._spec(found.get("spec") or {})}
        self._hold(await self._client.replace(self._path, told), asked_s)

    def _spec(self, before: Manifest) -> Manifest:
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        ours = before.get("holderIdentity") == self._identity
        transitions = before.get("leaseTransitions", -1)
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": max(1, round(self._duration_s)),
            "acquireTime": before["acquireTime"] if ours else at,
            "renewTime": at,
            "leaseTransitions": transitions if ours else transitions + 1,
        }

    def _hold(self, made: Manifest, asked_s: float) -> None:
        self._held, self._renewed_s = made, asked_s
        if not self.leading.is_set():
            log.info("this process holds the Lease %s/%s", self._namespace, NAME)
            self._lead(True)

    def _lose(self) -> None:
        log.info("this process no longer holds the Lease %s/%s", self._namespace, NAME)
        self._held = None
        self._lead(False)

    def _lead(self, leads: bool) -> None:
        if leads:
            self.leading.set()
        else:
            self.leading.clear()
        LEADER.set(leads)
        self._changed()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
