"""What else has to be known for a status, and is nobody's event: asked only where it is needed."""

import asyncio
from collections.abc import Mapping, Sequence

from rackwatt_operator.kube.cache import Cache
from rackwatt_operator.kube.client import Client
from rackwatt_operator.kube.errors import ApiError
from rackwatt_operator.kube.resources import (
    EVENT,
    NAMESPACE,
    PROMETHEUS,
    PROMETHEUSES,
    ObjectKey,
    Resource,
)
from rackwatt_operator.status.selection import Selected, Selection, bound, selected
from rackwatt_operator.status.workload import Workload, workload

WORKLOADS = frozenset({"Deployment", "DaemonSet"})
_FRESH_S = 60.0


class ChildStatusReader:
    """Looks at what a document's children have come to."""

    def __init__(self, client: Client, observed: Cache) -> None:
        self._client = client
        self._observed = observed
        self._namespaces: dict[str, tuple[float, Mapping[str, str]]] = {}

    async def workloads(self, uid: str) -> list[Workload]:
        """Tell how the Deployments and DaemonSets of a document are doing."""
        names = sorted(name for name in self._observed.owned(uid) if name.kind in WORKLOADS)
        found = [
            workload(name, self._observed.objects[name].generation, self._observed.status(name))
            for name in names
        ]
        return [
            one.refused(await self._refusal(one.name)) if one.uncreated else one for one in found
        ]

    async def selection(self, uid: str) -> Selection | None:
        """Tell which Prometheus takes a document's ServiceMonitor; None where there is none."""
        return await self._selection(uid, "ServiceMonitor", PROMETHEUSES)

    async def rules(self, uid: str) -> Selection | None:
        """Tell which Prometheus takes a document's PrometheusRule; agents evaluate none."""
        return await self._selection(uid, "PrometheusRule", [PROMETHEUS])

    async def _selection(self, uid: str, kind: str, takers: Sequence[Resource]) -> Selection | None:
        name = next((one for one in self._observed.owned(uid) if one.kind == kind), None)
        if name is None:
            return None
        if bindings := self._observed.status(name).get("bindings"):
            return bound(bindings)
        prometheuses = {
            one: self._observed.content(one).get("spec") or {}
            for taker in takers
            for one in self._observed.names(taker.kind, None)
        }
        if not prometheuses:
            return Selection(0)
        labels = self._observed.objects[name].labels
        places = await self._labels(name.namespace)
        return selected(Selected(kind, name.namespace, labels, places), prometheuses)

    async def _labels(self, namespace: str) -> Mapping[str, str]:
        """Give a namespace's labels, a minute old at most; the one that each has if no others."""
        at_s, labels = self._namespaces.get(namespace, (-_FRESH_S, {}))
        if _now_s() - at_s < _FRESH_S:
            return labels
        try:
            found = await self._client.get(NAMESPACE.path(name=namespace))
        except ApiError:
            return {"kubernetes.io/metadata.name": namespace}
        labels = found["metadata"].get("labels") or {}
        self._namespaces[namespace] = _now_s(), labels
        return labels

    async def _refusal(self, name: ObjectKey) -> str:
        """Read why a DaemonSet's pods are not even made: its controller tells it in an event."""
        about = f"involvedObject.kind={name.kind},involvedObject.name={name.name}"
        path = EVENT.path(name.namespace)
        try:
            found = await self._client.get(path, fieldSelector=f"{about},reason=FailedCreate")
        except ApiError:
            return ""
        events = sorted(found["items"], key=lambda one: one.get("lastTimestamp") or "")
        return str(events[-1].get("message", "")) if events else ""


def _now_s() -> float:
    return asyncio.get_running_loop().time()
