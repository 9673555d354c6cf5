"""One document, from its name to its status: facts, plan, apply, prune, tell.

It is told a name and nothing of what happened: everything is looked at anew, so that it does not
matter which events were lost. What is right already costs no question to the API server.
"""

import logging
from collections.abc import Sequence
from functools import cache, partial

from rackwatt_operator.controller.apply import Applier, DesiredChild
from rackwatt_operator.controller.plan_cache import CachedPlan, PlanCache
from rackwatt_operator.controller.status_writer import StatusWriter
from rackwatt_operator.controller.workqueue import DONE, LEISURE, RetryError
from rackwatt_operator.kube.cache import Cache
from rackwatt_operator.kube.client import Manifest
from rackwatt_operator.kube.resources import BY_NAME, CHILDREN, ObjectKey
from rackwatt_operator.status.apply_error import Trouble

log = logging.getLogger(__name__)


class Reconciler:
    """Makes the cluster have what documents ask for."""

    def __init__(
        self, observed: Cache, planner: PlanCache, applier: Applier, teller: StatusWriter
    ) -> None:
        self._observed = observed
        self._planner = planner
        self._applier = applier
        self._teller = teller

    async def reconcile(self, key: ObjectKey, pressed: bool) -> float:
        """Bring about what belongs to a document; tell after how many seconds to look again.

        While other documents press, its status is left for later: what was asked for comes first.

        Raises:
            RetryError: not everything is as it should be.
        """
        now = self._observed.objects.get(key)
        if now is None or now.terminating:  # its children follow it without us
            self._observed.claim(key, ())
            self._planner.forget(key)
            self._teller.forget(key)
            return DONE
        planned, manifests = self._planner.planned(key)
        troubles = await self._carry_out(key, now.uid, planned, manifests)
        if pressed and not troubles:
            return LEISURE
        if any(trouble.hopeless for trouble in troubles):
            _hold(troubles)
        again_s = await self._teller.tell(key, now, planned, troubles)
        _hold(troubles)
        return again_s

    async def _carry_out(
        self, key: ObjectKey, uid: str, planned: CachedPlan, manifests: dict[ObjectKey, Manifest]
    ) -> list[Trouble]:
        """Apply and prune; a document that cannot be carried out leaves all as it is."""
        document = planned.document
        if document is None or document.spec.paused or planned.refused:
            return []
        self._observed.claim(key, planned.children)

        @cache
        def made() -> dict[ObjectKey, Manifest]:
            return manifests or self._planner.manifests(planned)

        def manifest(child: ObjectKey) -> Manifest:
            return made()[child]

        troubles = []
        for child, stamp in planned.children.items():
            wanted = DesiredChild(child, uid, stamp, partial(manifest, child))
            if trouble := await self._applier.apply(wanted):
                troubles.append(trouble)
                if trouble.hopeless:
                    return troubles
        return troubles + await self._prune(uid, planned)

    async def _prune(self, uid: str, planned: CachedPlan) -> list[Trouble]:
        troubles = [
            await self._applier.delete(child)
            for child in sorted(self._observed.owned(uid) - planned.children.keys())
            if BY_NAME[child.kind] in CHILDREN
        ]
        return [trouble for trouble in troubles if trouble is not None]


def _hold(troubles: Sequence[Trouble]) -> None:
    """Have a document tried again that has troubles."""
    if not troubles:
        return
    told = "; ".join(f"{trouble.reason}: {trouble.message}" for trouble in troubles[:3])
    raise RetryError(told, max(trouble.wait_s for trouble in troubles))
