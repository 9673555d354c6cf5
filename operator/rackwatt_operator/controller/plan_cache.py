"""The plan of each document, remembered as long as nothing changes that it was made from.

Most looks at a document find all as it was: then nothing is decoded and nothing planned. Digests
of the children stand for them; they themselves are made when one has to be applied.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from rackwatt_crds.decoding import Problem
from rackwatt_crds.document import Document, SchedulerBinding
from rackwatt_crds.loading import judge
from rackwatt_crds.validation import named_bindings
from rackwatt_crds.web import Web
from rackwatt_operator.kube.cache import Cache
from rackwatt_operator.kube.client import Manifest
from rackwatt_operator.kube.discovery import Capabilities
from rackwatt_operator.kube.resources import ObjectKey
from rackwatt_operator.manifests.build import plan
from rackwatt_operator.manifests.defaults import Defaults
from rackwatt_operator.manifests.facts import Facts
from rackwatt_operator.manifests.refused import BuildFailure


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """All that a plan is made from, but for the defaults: documents as JSON, and their digests."""

    digests: tuple[bytes, ...]
    document: bytes
    bindings: tuple[bytes, ...]
    monitoring: frozenset[str]


@dataclass(frozen=True, slots=True)
class CachedPlan:
    """What a document is and what belongs to it: each child with a digest of how it should be.

    `missing` are the SchedulerBindings that it names and that are not there.
    """

    sources: PlanInputs
    document: Document | None
    problems: Sequence[Problem]
    missing: Sequence[str]
    refused: BuildFailure | None
    children: Mapping[ObjectKey, str]


class PlanCache:
    """Plans, and remembers."""

    def __init__(self, observed: Cache, capabilities: Capabilities, defaults: Defaults) -> None:
        self._observed = observed
        self._capabilities = capabilities
        self._defaults = defaults
        self._planned: dict[ObjectKey, CachedPlan] = {}

    def planned(self, key: ObjectKey) -> tuple[CachedPlan, dict[ObjectKey, Manifest]]:
        """Plan for a document that is there; the manifests only if they had to be made."""
        sources = self._sources(key)
        before = self._planned.get(key)
        if before is not None and _same(before.sources, sources):
            return before, {}
        loaded = judge(msgspec.json.decode(sources.document), key.kind)
        made = self._plan(sources, loaded.document)
        refused = made if isinstance(made, BuildFailure) else None
        manifests = {} if isinstance(made, BuildFailure) else _by_ref(made)
        planned = CachedPlan(
            sources,
            loaded.document,
            loaded.problems,
            self._missing(key, loaded.document),
            refused,
            {child: _stamp(manifest) for child, manifest in manifests.items()},
        )
        self._planned[key] = planned
        return planned, manifests

    def web(self, key: ObjectKey) -> Web | None:
        """Tell what a document says of its collectors' pages.

        Raises:
            LookupError: it was not planned yet.
        """
        document = self._planned[key].document
        return document.spec.web if document else None

    def manifests(self, planned: CachedPlan) -> dict[ObjectKey, Manifest]:
        """Make the children that were planned, as they were planned."""
        made = self._plan(planned.sources, planned.document)
        return {} if isinstance(made, BuildFailure) else _by_ref(made)

    def forget(self, key: ObjectKey) -> None:
        """Let go of the plan of a document that is no more."""
        self._planned.pop(key, None)

    def _plan(
        self, sources: PlanInputs, document: Document | None
    ) -> list[Manifest] | BuildFailure:
        if document is None:
            return []
        bindings = [judge(msgspec.json.decode(one), "").document for one in sources.bindings]
        specs = {
            one.metadata.name: one.spec for one in bindings if isinstance(one, SchedulerBinding)
        }
        raw = msgspec.json.decode(sources.document)
        return plan(raw, document, Facts(sources.monitoring, specs), self._defaults)

    def _sources(self, key: ObjectKey) -> PlanInputs:
        now = self._observed.objects[key]
        named = [ObjectKey("SchedulerBinding", key.namespace, name) for name in sorted(now.about)]
        there = [self._observed.objects[one] for one in named if one in self._observed.objects]
        return PlanInputs(
            (now.digest, *(one.digest for one in there)),
            now.content or b"",
            tuple(one.content or b"" for one in there),
            self._capabilities.monitoring,
        )

    def _missing(self, key: ObjectKey, document: Document | None) -> list[str]:
        names = set(named_bindings(document)) if document else set()
        return sorted(
            name
            for name in names
            if ObjectKey("SchedulerBinding", key.namespace, name) not in self._observed.objects
        )


def _same(before: PlanInputs, now: PlanInputs) -> bool:
    return before.digests == now.digests and before.monitoring == now.monitoring


def _by_ref(made: Sequence[Manifest]) -> dict[ObjectKey, Manifest]:
    return {ref_of(manifest): manifest for manifest in made}


def ref_of(manifest: Manifest) -> ObjectKey:
    """Name a child that is planned."""
    metadata = manifest["metadata"]
    return ObjectKey(manifest["kind"], metadata["namespace"], metadata["name"])


def _stamp(manifest: Manifest) -> str:
    encoded = msgspec.json.encode(manifest, order="sorted")
    return hashlib.blake2b(encoded, digest_size=12).hexdigest()
