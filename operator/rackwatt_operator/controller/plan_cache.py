"""Cache of plans: one per resource, valid until an input changes.

Most reconciliations find all inputs unchanged: then nothing is decoded and nothing planned. Of the
children only hashes are kept; their manifests are built again when one has to be applied.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from rackwatt_crds.decoding import Problem
from rackwatt_crds.document import Document, SchedulerBinding
from rackwatt_crds.loading import parse_document
from rackwatt_crds.validation import named_bindings
from rackwatt_crds.web import Web
from rackwatt_operator.kube.cache import Cache
from rackwatt_operator.kube.client import Manifest
from rackwatt_operator.kube.discovery import Capabilities
from rackwatt_operator.kube.resources import ObjectKey
from rackwatt_operator.manifests.build import plan
from rackwatt_operator.manifests.defaults import Defaults
from rackwatt_operator.manifests.params import BuildFailure, Facts


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """Inputs of a plan, except the defaults: resources as JSON, and their digests."""

    digests: tuple[bytes, ...]
    document: bytes
    bindings: tuple[bytes, ...]
    monitoring: frozenset[str]
    assigns_ids: bool


@dataclass(frozen=True, slots=True)
class CachedPlan:
    """A decoded resource and its children, each with the hash of its desired state.

    `missing` are the SchedulerBindings that it references and that do not exist.
    """

    inputs: PlanInputs
    document: Document | None
    problems: Sequence[Problem]
    missing: Sequence[str]
    refused: BuildFailure | None
    children: Mapping[ObjectKey, str]


class PlanCache:
    """Plans by key."""

    def __init__(self, cache: Cache, capabilities: Capabilities, defaults: Defaults) -> None:
        self._cache = cache
        self._capabilities = capabilities
        self._defaults = defaults
        self._plans: dict[ObjectKey, CachedPlan] = {}

    def get(self, key: ObjectKey) -> tuple[CachedPlan, dict[ObjectKey, Manifest]]:
        """Return the plan of a cached resource; manifests only if they had to be built."""
        inputs = self._inputs(key)
        before = self._plans.get(key)
        if before is not None and _same(before.inputs, inputs):
            return before, {}
        loaded = parse_document(msgspec.json.decode(inputs.document), key.kind)
        built = self._plan(inputs, loaded.document)
        refused = built if isinstance(built, BuildFailure) else None
        manifests = {} if isinstance(built, BuildFailure) else _by_key(built)
        planned = CachedPlan(
            inputs,
            loaded.document,
            loaded.problems,
            self._missing(key, loaded.document),
            refused,
            {child: _hash(manifest) for child, manifest in manifests.items()},
        )
        self._plans[key] = planned
        return planned, manifests

    def web(self, key: ObjectKey) -> Web | None:
        """Return `spec.web` of a resource.

        Raises:
            LookupError: it was not planned yet.
        """
        document = self._plans[key].document
        return document.spec.web if document else None

    def manifests(self, planned: CachedPlan) -> dict[ObjectKey, Manifest]:
        """Build the manifests of a plan again."""
        built = self._plan(planned.inputs, planned.document)
        return {} if isinstance(built, BuildFailure) else _by_key(built)

    def remove(self, key: ObjectKey) -> None:
        """Remove the plan of a deleted resource."""
        self._plans.pop(key, None)

    def _plan(self, inputs: PlanInputs, document: Document | None) -> list[Manifest] | BuildFailure:
        if document is None:
            return []
        bindings = [
            parse_document(msgspec.json.decode(one), "").document for one in inputs.bindings
        ]
        specs = {
            one.metadata.name: one.spec for one in bindings if isinstance(one, SchedulerBinding)
        }
        raw = msgspec.json.decode(inputs.document)
        facts = Facts(inputs.monitoring, specs, inputs.assigns_ids)
        return plan(raw, document, facts, self._defaults)

    def _inputs(self, key: ObjectKey) -> PlanInputs:
        now = self._cache.objects[key]
        named = [
            ObjectKey("SchedulerBinding", key.namespace, name) for name in sorted(now.references)
        ]
        there = [self._cache.objects[one] for one in named if one in self._cache.objects]
        return PlanInputs(
            (now.digest, *(one.digest for one in there)),
            now.content or b"",
            tuple(one.content or b"" for one in there),
            self._capabilities.monitoring,
            self._capabilities.assigns_ids,
        )

    def _missing(self, key: ObjectKey, document: Document | None) -> list[str]:
        names = set(named_bindings(document)) if document else set()
        return sorted(
            name
            for name in names
            if ObjectKey("SchedulerBinding", key.namespace, name) not in self._cache.objects
        )


def _same(before: PlanInputs, now: PlanInputs) -> bool:
    return before.digests == now.digests and _cluster(before) == _cluster(now)


def _cluster(inputs: PlanInputs) -> tuple[frozenset[str], bool]:
    return inputs.monitoring, inputs.assigns_ids


def _by_key(manifests: Sequence[Manifest]) -> dict[ObjectKey, Manifest]:
    return {child_key(manifest): manifest for manifest in manifests}


def child_key(manifest: Manifest) -> ObjectKey:
    """Return the key of a planned child."""
    metadata = manifest["metadata"]
    return ObjectKey(manifest["kind"], metadata["namespace"], metadata["name"])


def _hash(manifest: Manifest) -> str:
    encoded = msgspec.json.encode(manifest, order="sorted")
    return hashlib.blake2b(encoded, digest_size=12).hexdigest()
