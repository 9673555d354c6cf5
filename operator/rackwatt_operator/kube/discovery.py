"""What this cluster has, and what we may do there.

Discovery is asked every few seconds whether there is Prometheus Operator, instead of watching
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
_CRDS = "rackwatt-operator crds | kubectl apply --server-side --filename -"


class UnfitClusterError(Exception):
    """Nothing can be done here as it is; the message says why, and what a person can do."""


class Capabilities:
    """Which kinds there are, and which of them can be watched."""

    def __init__(self, client: Client, namespaces: Sequence[str]) -> None:
        self._client = client
        self._places = namespaces or ("",)
        self.monitoring: frozenset[str] = frozenset()
        """The kinds of Prometheus Operator that the API has."""
        self.watched: tuple[Resource, ...] = ()
        """The kinds that there are and that we may list and watch."""
        self._denied: tuple[Resource, ...] = ()

    async def monitored(self) -> frozenset[str]:
        """Ask which kinds of Prometheus Operator there are now."""
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
        """Ask whether what we might not list and watch can be now, and name the first that can."""
        for kind in self._denied:
            if not [right async for right in self._lacking(kind)]:
                return kind.resource
        return ""

    async def refresh(self) -> None:
        """Look what there is, and which of it may be watched; what was known stays if it fails.

        Raises:
            UnfitClusterError: there are no documents, or they may not be watched.
            ApiError: the server does not answer.
        """
        if absent := {kind.kind for kind in DOCUMENTS} - await self._served(API_VERSION):
            kinds = " and no ".join(sorted(absent))
            raise UnfitClusterError(
                f"the cluster has no {kinds} ({API_VERSION}): install the CRDs ({_CRDS})"
            )
        monitoring = await self.monitored()
        there = [kind for kind in WATCHED if kind not in _MONITORING or kind.kind in monitoring]
        lacking = {kind.kind: [right async for right in self._lacking(kind)] for kind in there}
        for kind in DOCUMENTS:
            if told := lacking[kind.kind]:
                raise UnfitClusterError(f"the operator may not {told[0]}: grant it that right")
        for told in filter(None, lacking.values()):
            log.warning("the operator may not %s: what becomes of them is not seen", told[0])
        self.monitoring = monitoring
        self.watched = tuple(kind for kind in there if not lacking[kind.kind])
        self._denied = tuple(kind for kind in there if lacking[kind.kind])

    async def _lacking(self, kind: Resource) -> AsyncIterator[str]:
        for place in self._places:
            for verb in ("list", "watch"):
                if not await self._may(verb, kind, place):
                    where = f"in namespace {place}" if place else "in all namespaces"
                    yield f"{verb} {kind.resource} {where}"

    async def _may(self, verb: str, kind: Resource, place: str) -> bool:
        asked = {
            "namespace": place,
            "verb": verb,
            "group": kind.group,
            "version": kind.version,
            "resource": kind.plural,
        }
        review = {
            "apiVersion": ACCESS_REVIEW.api_version,
            "kind": ACCESS_REVIEW.kind,
            "spec": {"resourceAttributes": asked},
        }
        answer = await self._client.create(ACCESS_REVIEW.path(), review)
        return bool(answer["status"]["allowed"])
