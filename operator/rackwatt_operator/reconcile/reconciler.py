"""One document, from its name to its status: facts, plan, apply, prune, tell.

It is told a name and nothing of what happened: everything is looked at anew, so that it does not
matter which events were lost. What is right already costs no question to the API server.
"""

import logging
from collections.abc import Sequence

from rackwatt_crds.document import Document, SchedulerBinding
from rackwatt_crds.loading import Loaded, judge
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec
from rackwatt_operator.cluster.capabilities import Capabilities
from rackwatt_operator.cluster.client import Manifest
from rackwatt_operator.cluster.kinds import BY_NAME, CHILDREN, Ref
from rackwatt_operator.cluster.observed import Observed
from rackwatt_operator.plan.defaults import Defaults
from rackwatt_operator.plan.facts import Facts
from rackwatt_operator.plan.plan import plan
from rackwatt_operator.plan.refused import Refused
from rackwatt_operator.plan.subject import named_bindings
from rackwatt_operator.reconcile.applying import Applier, ref_of
from rackwatt_operator.reconcile.queue import DONE, RetryError
from rackwatt_operator.reconcile.telling import Teller
from rackwatt_operator.status.findings import Findings
from rackwatt_operator.status.trouble import Trouble

log = logging.getLogger(__name__)

_QUIET = frozenset({"NamespaceTerminating", "Leaving"})


class Reconciler:
    """Makes the cluster have what documents ask for."""

    def __init__(
        self,
        observed: Observed,
        capabilities: Capabilities,
        applier: Applier,
        teller: Teller,
        defaults: Defaults,
    ) -> None:
        self._observed = observed
        self._capabilities = capabilities
        self._applier = applier
        self._teller = teller
        self._defaults = defaults

    async def reconcile(self, key: Ref) -> float:
        """Bring about what belongs to a document; tell after how many seconds to look again.

        Raises:
            RetryError: not everything is as it should be.
        """
        now = self._observed.objects.get(key)
        if now is None or now.leaving:  # its children follow it without us
            self._observed.claim(key, ())
            self._teller.forget(key)
            return DONE
        raw = self._observed.content(key)
        loaded = judge(raw, key.kind)
        found = self._planned(key, raw, loaded)
        troubles = await self._carry_out(key, now.uid, found)
        again_s = await self._teller.tell(key, found, troubles)
        _hold(troubles)
        return again_s

    def _planned(self, key: Ref, raw: Manifest, loaded: Loaded) -> Findings:
        document = loaded.document
        bindings = self._bindings(key.namespace, document)
        missing = sorted(set(named_bindings(document)) - bindings.keys()) if document else ()
        facts = Facts(self._capabilities.monitoring, bindings)
        made = plan(raw, document, facts, self._defaults) if document else ()
        monitoring = self._capabilities.monitoring
        return Findings(document, loaded.problems, missing, made, monitoring)

    def _bindings(
        self, namespace: str, document: Document | None
    ) -> dict[str, SchedulerBindingSpec]:
        found = {}
        for name in set(named_bindings(document)) if document else ():
            ref = Ref("SchedulerBinding", namespace, name)
            if ref in self._observed.objects:
                binding = judge(self._observed.content(ref), ref.kind).document
                if isinstance(binding, SchedulerBinding):
                    found[name] = binding.spec
        return found

    async def _carry_out(self, key: Ref, uid: str, found: Findings) -> Sequence[Trouble]:
        """Apply and prune; a document that cannot be carried out leaves all as it is."""
        if found.document is None or found.paused or isinstance(found.planned, Refused):
            return ()
        wanted = {ref_of(manifest): manifest for manifest in found.planned}
        self._observed.claim(key, wanted)
        troubles = [await self._applier.apply(one, uid) for one in wanted.values()]
        unwanted = [child for child in self._observed.owned(uid) if _prunable(child, wanted)]
        troubles += [await self._applier.delete(child) for child in sorted(unwanted)]
        return [trouble for trouble in troubles if trouble is not None]


def _prunable(child: Ref, wanted: dict[Ref, Manifest]) -> bool:
    return child not in wanted and BY_NAME[child.kind] in CHILDREN


def _hold(troubles: Sequence[Trouble]) -> None:
    """Have a document tried again that has troubles."""
    if not troubles:
        return
    told = "; ".join(f"{trouble.reason}: {trouble.message}" for trouble in troubles[:3])
    raise RetryError(told, max(trouble.wait_s for trouble in troubles))
