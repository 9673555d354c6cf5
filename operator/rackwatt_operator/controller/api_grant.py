"""The grant to read nodes and pods: subjects of one ClusterRoleBinding, and nothing else of it.

A collector of a SchedulerBinding with `kubernetes: {}` must list and watch nodes and pods of the
whole cluster. The administrator who installs the operator names the namespaces: anyone who can
create pods there can use that right. The chart creates the ClusterRole and the
ClusterRoleBinding; the operator may change this one ClusterRoleBinding and bind this one
ClusterRole, so that it can grant no other right (decision 24).
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from rackwatt_operator.kube.cache import Cache
from rackwatt_operator.kube.client import Client
from rackwatt_operator.kube.errors import ApiError
from rackwatt_operator.kube.resources import CLUSTER_ROLE_BINDING, ObjectKey
from rackwatt_operator.manifests import naming
from rackwatt_operator.status.apply_error import ApplyError

log = logging.getLogger(__name__)

_FRESH_S = 60.0
Subject = dict[str, str]


class GrantScope(NamedTuple):
    """Name of the ClusterRoleBinding, and the namespaces whose collectors it may name."""

    name: str = ""
    namespaces: Sequence[str] = ()


class ApiGrant:
    """The subjects of the ClusterRoleBinding, read at most once a minute."""

    def __init__(self, client: Client, cache: Cache, scope: GrantScope) -> None:
        self._client = client
        self._cache = cache
        self._scope = scope
        self._path = CLUSTER_ROLE_BINDING.path(name=scope.name)
        self._lock = asyncio.Lock()
        self._granted: list[Subject] | None = None
        self._read_at_s = 0.0

    async def sync(self, key: ObjectKey) -> ApplyError | None:
        """Grant what the SchedulerBindings need, and revoke the rest; return why that fails.

        A failure is that of the resource `key` only if its collector needs the right.
        """
        if not self._scope.namespaces:
            return None
        async with self._lock:
            subjects = list(self._subjects())
            now_s = asyncio.get_running_loop().time()
            if subjects == self._granted and now_s - self._read_at_s < _FRESH_S:
                return None
            try:
                await self._write(subjects)
            except ApiError as error:
                log.warning("ClusterRoleBinding %s: %s", self._scope.name, error)
                return self._error(error) if _subject(key) in subjects else None
            self._granted, self._read_at_s = subjects, now_s
        return None

    async def _write(self, subjects: list[Subject]) -> None:
        found = await self._client.get(self._path)
        if [_plain(one) for one in found.get("subjects") or ()] != subjects:
            await self._client.merge(self._path, {"subjects": subjects})
            names = ", ".join(f"{one['namespace']}/{one['name']}" for one in subjects) or "none"
            log.info("ClusterRoleBinding %s: granted to %s", self._scope.name, names)

    def _subjects(self) -> Iterator[Subject]:
        """Go through the ServiceAccounts of the collectors that read nodes and pods."""
        for key in sorted(self._cache.names("SchedulerBinding", None)):
            if key.namespace in self._scope.namespaces and not self._cache.objects[key].terminating:
                kubernetes = (self._cache.content(key).get("spec") or {}).get("kubernetes")
                if kubernetes is not None and not kubernetes.get("url"):
                    yield _subject(key)

    def _error(self, error: ApiError) -> ApplyError:
        child = ObjectKey(CLUSTER_ROLE_BINDING.kind, "", self._scope.name)
        if error.is_retriable and error.status != 404:
            return ApplyError(child, "ApiUnavailable", str(error), retriable=True)
        message = (
            "the operator cannot grant the collector to read nodes and pods: "
            f"{error} (the chart grants it that with rbac.kubernetesScheduler.namespaces)"
        )
        return ApplyError(child, "Forbidden", message)


def _subject(key: ObjectKey) -> Subject:
    name = naming.base(key.kind, key.name)
    return {"kind": "ServiceAccount", "name": name, "namespace": key.namespace}


def _plain(subject: dict[str, Any]) -> Subject:
    return {key: subject.get(key, "") for key in ("kind", "name", "namespace")}
