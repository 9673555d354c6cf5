"""Leader election with a Lease: one of several operators works, another takes over in seconds.

The leader renews the Lease; candidates observe whether it still changes, by their own monotonic
clock (no wall clocks are compared). A leader that is stopped releases it, so that the next acquires
it at once. The official client's election sends two requests per renewal, compares wall clocks,
and never releases.
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
    """One candidate; `leading` is set while it holds the Lease; `changed` is called on a change."""

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
        self._lock = asyncio.Lock()
        self._failing = False
        self.leading = asyncio.Event()

    async def run(self) -> None:
        """Acquire the Lease when it is free, and renew it, until cancelled."""
        while True:
            start_s = _now_s()
            try:
                async with (
                    asyncio.timeout(min(self._duration_s / 2, self._safe_s())),
                    self._lock,
                ):
                    await self._try_acquire_or_renew()
            except (ApiError, TimeoutError) as error:
                self._log_problem(str(error) or "no response in time")
            else:
                self._log_problem("")
            part = _RENEWALS if self.leading.is_set() else _LOOKS
            rest_s = start_s + self._duration_s / part - _now_s()
            await asyncio.sleep(max(0.0, min(rest_s, self._safe_s())))
            if self._safe_s() <= 0:
                self._stop_leading()

    def _safe_s(self) -> float:
        """Return for how many seconds leadership is still safe; infinity for a candidate."""
        if not self.leading.is_set():
            return float("inf")
        return self._renewed_s + _SAFE * self._duration_s - _now_s()

    def _log_problem(self, problem: str) -> None:
        """Log the first failure and the recovery, not every try in between."""
        if problem and not self._failing:
            log.warning("the Lease: %s", problem)
        elif self._failing and not problem:
            log.info("the Lease: the API server answers again")
        self._failing = bool(problem)

    async def release(self) -> None:
        """Release the Lease, so that the next leader does not wait, after a pending renewal."""
        with contextlib.suppress(ApiError, TimeoutError):
            async with asyncio.timeout(self._duration_s), self._lock:
                if self._held is not None and self.leading.is_set():
                    self._held["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}
                    await self._client.replace(self._path, self._held)
        if self.leading.is_set():
            self._stop_leading()

    @property
    def _path(self) -> str:
        return LEASE.path(self._namespace, NAME)

    async def _try_acquire_or_renew(self) -> None:
        if self._held is not None:
            try:
                await self._acquire_or_renew(self._held)
                return
            except ApiError as error:
                if error.status != 409:
                    raise
                self._held = None  # another holds it, or the last response was lost
        lease = await self._get()
        if lease is None:
            await self._create()
        elif self._is_free(lease):
            await self._acquire_or_renew(lease)
        elif self.leading.is_set():
            self._stop_leading()

    async def _get(self) -> Manifest | None:
        try:
            return await self._client.get(self._path)
        except ApiError as error:
            if error.status != 404:
                raise
            return None

    def _is_free(self, lease: Manifest) -> bool:
        """Return whether it was released, or not renewed for its duration."""
        spec = lease.get("spec") or {}
        if spec.get("holderIdentity") in (None, "", self._identity):
            return True
        record = (spec["holderIdentity"], spec.get("renewTime"))
        if record != self._seen:
            self._seen, self._seen_s = record, _now_s()
        return _now_s() - self._seen_s > float(spec.get("leaseDurationSeconds") or 0)

    async def _create(self) -> None:
        manifest = {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": {"name": NAME, "namespace": self._namespace},
            "spec": self._spec({}),
        }
        requested_s = _now_s()
        self._start_leading(
            await self._client.create(LEASE.path(self._namespace), manifest), requested_s
        )

    async def _acquire_or_renew(self, lease: Manifest) -> None:
        requested_s = _now_s()
        renewed = lease | {"spec": self._spec(lease.get("spec") or {})}
        self._start_leading(await self._client.replace(self._path, renewed), requested_s)

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

    def _start_leading(self, lease: Manifest, requested_s: float) -> None:
        self._held, self._renewed_s = lease, requested_s
        if not self.leading.is_set():
            log.info("this process holds the Lease %s/%s", self._namespace, NAME)
            self._set_leading(True)

    def _stop_leading(self) -> None:
        log.info("this process no longer holds the Lease %s/%s", self._namespace, NAME)
        self._held = None
        self._set_leading(False)

    def _set_leading(self, leading: bool) -> None:
        if leading:
            self.leading.set()
        else:
            self.leading.clear()
        LEADER.set(leading)
        self._changed()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
