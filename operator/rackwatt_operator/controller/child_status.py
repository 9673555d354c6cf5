"""State of the children: rollouts, selection by Prometheus, rejected pods."""

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
    """Reads the state of a resource's children."""

    def __init__(self, client: Client, cache: Cache) -> None:
        self._client = client
        self._cache = cache
        self._namespaces: dict[str, tuple[float, Mapping[str, str]]] = {}

    async def workloads(self, uid: str) -> list[Workload]:
        """Return the rollout state of a resource's Deployments and DaemonSets."""
        names = sorted(name for name in self._cache.owned(uid) if name.kind in WORKLOADS)
        states = [
            workload(name, self._cache.objects[name].generation, self._cache.status(name))
            for name in names
        ]
        return [
            one.refused(await self._refusal(one.name)) if one.uncreated else one for one in states
        ]

    async def selection(self, uid: str) -> Selection | None:
        """Return which Prometheus selects the ServiceMonitor; None if there is none."""
        return await self._selection(uid, "ServiceMonitor", PROMETHEUSES)

    async def rules(self, uid: str) -> Selection | None:
        """Return which Prometheus selects the PrometheusRule; agents evaluate no rules."""
        return await self._selection(uid, "PrometheusRule", [PROMETHEUS])

    async def _selection(self, uid: str, kind: str, takers: Sequence[Resource]) -> Selection | None:
        names = sorted(one for one in self._cache.owned(uid) if one.kind == kind)
        if not names:
            return None
        name = names[0]  # that of the collectors: that of accounting has a longer name
        if bindings := self._cache.status(name).get("bindings"):
            return bound(bindings)
        prometheuses = {
            one: self._cache.content(one).get("spec") or {}
            for taker in takers
            for one in self._cache.names(taker.kind, None)
        }
        if not prometheuses:
            return Selection(0)
        labels = self._cache.objects[name].labels
        of_namespace = await self._labels(name.namespace)
        return selected(Selected(kind, name.namespace, labels, of_namespace), prometheuses)

    async def _labels(self, namespace: str) -> Mapping[str, str]:
        """Return the labels of a namespace, at most a minute old; its name's label on an error."""
        at_s, labels = self._namespaces.get(namespace, (-_FRESH_S, {}))
        if _now_s() - at_s < _FRESH_S:
            return labels
        try:
            manifest = await self._client.get(NAMESPACE.path(name=namespace))
        except ApiError:
            return {"kubernetes.io/metadata.name": namespace}
        labels = manifest["metadata"].get("labels") or {}
        self._namespaces[namespace] = _now_s(), labels
        return labels

    async def _refusal(self, name: ObjectKey) -> str:
        """Return why a DaemonSet's pods are not created: its controller reports it in an event."""
        about = f"involvedObject.kind={name.kind},involvedObject.name={name.name}"
        path = EVENT.path(name.namespace)
        try:
            listed = await self._client.get(path, fieldSelector=f"{about},reason=FailedCreate")
        except ApiError:
            return ""
        events = sorted(listed["items"], key=lambda one: one.get("lastTimestamp") or "")
        return str(events[-1].get("message", "")) if events else ""


def _now_s() -> float:
    return asyncio.get_running_loop().time()
