"""Discovery of the kinds that the API serves, and of the operator's rights on them.

Discovery is requested every few seconds to detect Prometheus Operator, instead of watching
CustomResourceDefinitions (docs/decisions/0012-prometheus-operator-discovery.md).
"""

import logging
from collections.abc import AsyncIterator, Sequence

from rackwatt_crds.document import API_VERSION
from rackwatt_operator.kube.client import Client
from rackwatt_operator.kube.errors import ApiError
from rackwatt_operator.kube.resources import (
    ACCESS_REVIEW,
    DOCUMENTS,
    SERVICE_MONITOR,
    WATCHED,
    Resource,
)

log = logging.getLogger(__name__)

_MONITORING = frozenset(kind for kind in WATCHED if kind.group == SERVICE_MONITOR.group)
_OPENSHIFT = "security.openshift.io/v1"
_CRDS = "rackwatt-operator crds | kubectl apply --server-side --filename -"


class ClusterNotReadyError(Exception):
    """The operator cannot work in this cluster; the message says why and what to do."""


class Capabilities:
    """The served kinds, and those of them that can be watched."""

    def __init__(self, client: Client, namespaces: Sequence[str]) -> None:
        self._client = client
        self._namespaces = namespaces or ("",)
        self.monitoring: frozenset[str] = frozenset()
        """Kinds of Prometheus Operator that the API serves."""
        self.assigns_ids = False
        """Whether the cluster assigns users and groups to pods, and refuses others."""
        self.watched: tuple[Resource, ...] = ()
        """Served kinds that the operator may list and watch."""
        self._denied: tuple[Resource, ...] = ()

    async def monitoring_kinds(self) -> frozenset[str]:
        """Request the kinds of Prometheus Operator that are served now."""
        versions = sorted({kind.api_version for kind in _MONITORING})
        return frozenset().union(*[await self._served(one) for one in versions])

    async def _served(self, api_version: str) -> frozenset[str]:
        try:
            found = await self._client.get(f"/apis/{api_version}")
        except ApiError as error:
            if error.status == 404:
                return frozenset()
            raise
        return frozenset(one["kind"] for one in found["resources"] if "/" not in one["name"])

    async def granted(self) -> str:
        """Return a kind that may be listed and watched by now and could not before, or `""`."""
        for kind in self._denied:
            if not [right async for right in self._lacking(kind)]:
                return kind.resource
        return ""

    async def refresh(self) -> None:
        """Read the served kinds and the rights on them; a failure leaves the former values.

        Raises:
            ClusterNotReadyError: the CRDs are missing, or may not be watched.
            ApiError: the server does not respond.
        """
        if absent := {kind.kind for kind in DOCUMENTS} - await self._served(API_VERSION):
            kinds = " and no ".join(sorted(absent))
            raise ClusterNotReadyError(
                f"the cluster has no {kinds} ({API_VERSION}): install the CRDs ({_CRDS})"
            )
        monitoring = await self.monitoring_kinds()
        assigns_ids = bool(await self._served(_OPENSHIFT))
        there = [kind for kind in WATCHED if kind not in _MONITORING or kind.kind in monitoring]
        lacking = {kind.kind: [right async for right in self._lacking(kind)] for kind in there}
        for kind in DOCUMENTS:
            if missing := lacking[kind.kind]:
                raise ClusterNotReadyError(
                    f"the operator may not {missing[0]}: grant it that right"
                )
        for missing in filter(None, lacking.values()):
            log.warning("the operator may not %s: it does not see their changes", missing[0])
        self.monitoring, self.assigns_ids = monitoring, assigns_ids
        self.watched = tuple(kind for kind in there if not lacking[kind.kind])
        self._denied = tuple(kind for kind in there if lacking[kind.kind])

    async def _lacking(self, kind: Resource) -> AsyncIterator[str]:
        for namespace in self._namespaces:
            for verb in ("list", "watch"):
                if not await self._may(verb, kind, namespace):
                    where = f"in namespace {namespace}" if namespace else "in all namespaces"
                    yield f"{verb} {kind.resource} {where}"

    async def _may(self, verb: str, kind: Resource, namespace: str) -> bool:
        attributes = {
            "namespace": namespace,
            "verb": verb,
            "group": kind.group,
            "version": kind.version,
            "resource": kind.plural,
        }
        review = {
            "apiVersion": ACCESS_REVIEW.api_version,
            "kind": ACCESS_REVIEW.kind,
            "spec": {"resourceAttributes": attributes},
        }
        result = await self._client.create(ACCESS_REVIEW.path(), review)
        return bool(result["status"]["allowed"])
