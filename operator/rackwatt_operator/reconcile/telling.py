"""What was found out of a document, told in its status: written when there is news, else not at all."""

import asyncio
import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime

from rackwatt_operator.cluster.client import Client, Manifest
from rackwatt_operator.cluster.failure import ApiError
from rackwatt_operator.cluster.kinds import BY_NAME, Ref
from rackwatt_operator.cluster.observed import Observed
from rackwatt_operator.reconcile.queue import DONE, RetryError
from rackwatt_operator.status.findings import Findings
from rackwatt_operator.status.trouble import Trouble
from rackwatt_operator.status.workload import Workload, workload
from rackwatt_operator.status.written import NUMBERS_EVERY_S, status, urgent

_WORKLOADS = frozenset({"Deployment", "DaemonSet"})


class Teller:
    """Writes the statuses of documents."""

    def __init__(self, client: Client, observed: Observed) -> None:
        self._client = client
        self._observed = observed
        self._written_s: dict[Ref, float] = {}

    async def tell(self, key: Ref, found: Findings, troubles: Sequence[Trouble]) -> float:
        """Write the status if it has news; tell after how many seconds to look again.

        Raises:
            RetryError: it could not be written.
        """
        now = self._observed.objects[key]
        found = self._complete(now.uid, found, troubles)
        before = self._observed.status(key)
        after = status(found, before, now.generation, datetime.now(UTC))
        if after == before:
            return DONE
        wait_s = self._written_s.get(key, -NUMBERS_EVERY_S) + NUMBERS_EVERY_S - _now_s()
        if wait_s > 0 and not urgent(before, after):
            return wait_s
        await self._write(key, now.uid, after)
        return DONE

    def forget(self, key: Ref) -> None:
        """Let go of what is remembered of a document that is no more."""
        self._written_s.pop(key, None)

    def _complete(self, uid: str, found: Findings, troubles: Sequence[Trouble]) -> Findings:
        return dataclasses.replace(
            found,
            troubles=[trouble for trouble in troubles if not trouble.passing],
            workloads=self._workloads(uid),
        )

    def _workloads(self, uid: str) -> list[Workload]:
        names = sorted(name for name in self._observed.owned(uid) if name.kind in _WORKLOADS)
        return [
            workload(name, self._observed.objects[name].generation, self._observed.status(name))
            for name in names
        ]

    async def _write(self, key: Ref, uid: str, told: Manifest) -> None:
        kind = BY_NAME[key.kind]
        manifest = {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {"name": key.name, "namespace": key.namespace, "uid": uid},
            "status": told,
        }
        try:
            made = await self._client.apply(kind, manifest, "status")
        except ApiError as error:
            if error.status in (404, 409, 422) and key not in self._observed.objects:
                return  # it is gone
            raise RetryError(f"its status: {error}", error.wait_s) from None
        self._observed.note(key.kind, made)
        self._written_s[key] = _now_s()


def _now_s() -> float:
    return asyncio.get_running_loop().time()
