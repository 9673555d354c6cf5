"""A cached object: the part that the operator uses, in a few hundred bytes.

`content` is what its author decides, `status` what controllers report. The content of an object
that is in sync is dropped and its digest kept: ten thousand children at rest cost a few megabytes,
and an event that does not change the content is recognised by the digest.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from rackwatt_crds.document import API_VERSION, KINDS
from rackwatt_operator.kube.resources import ObjectKey

APPLIED_HASH = "rackwatt.dev/applied"
"""Annotation of a child: hash of the desired state that was applied.

After a restart nothing else shows that a field is no longer desired."""

_SERVICE_NAME = "kubernetes.io/service-name"
_NO_LABELS: Mapping[str, str] = {}
_NOTHING: frozenset[str] = frozenset()
_IDENTITY = ("apiVersion", "kind", "metadata", "status")
AUTHORED = ("labels", "annotations", "ownerReferences")
"""Parts of a child's metadata that are desired, and can drift."""

_SELECTED = frozenset({"ServiceMonitor", "PrometheusRule"})
_WITH_STATUS = frozenset({"Deployment", "DaemonSet", *_SELECTED, *KINDS})


class Owner(NamedTuple):
    """The controller of an object."""

    kind: str
    name: str
    uid: str
    ours: bool


@dataclass(slots=True)
class CachedObject:
    """An object without its key.

    `in_sync_hash` is the hash of the desired state that its content was found to match.
    `references` are the SchedulerBindings that a PowerTarget names, or the Service of an
    EndpointSlice. `labels` are those of a ServiceMonitor or PrometheusRule, for selectors.
    """

    uid: str
    resource_version: int
    generation: int
    terminating: bool
    owner: Owner | None
    applied_hash: str
    digest: bytes
    content: bytes | None
    status: bytes
    references: frozenset[str] = _NOTHING
    labels: Mapping[str, str] = field(default_factory=dict)
    in_sync_hash: str = ""

    def mark_in_sync(self, applied_hash: str) -> None:
        """Record that the content matches the desired state, and drop the content."""
        self.in_sync_hash, self.content = applied_hash, None


def parse_object(raw: Mapping[str, Any], kind: str) -> CachedObject:
    """Parse an object as the API server returns it."""
    metadata = raw["metadata"]
    authored = _document(raw, kind) if kind in KINDS else _child(raw)
    content = msgspec.json.encode(authored, order="sorted")
    status = raw.get("status") if kind in _WITH_STATUS else None
    return CachedObject(
        uid=metadata["uid"],
        resource_version=resource_version(raw),
        generation=metadata.get("generation", 0),
        terminating="deletionTimestamp" in metadata,
        owner=_owner(metadata),
        applied_hash=(metadata.get("annotations") or {}).get(APPLIED_HASH, ""),
        digest=hashlib.blake2b(content, digest_size=12).digest(),
        content=content,
        status=msgspec.json.encode(status) if status else b"",
        references=_references(raw, kind),
        labels=metadata.get("labels") or {} if kind in _SELECTED else _NO_LABELS,
    )


def object_key(raw: Mapping[str, Any], kind: str) -> ObjectKey:
    """Return the key of an object."""
    metadata = raw["metadata"]
    return ObjectKey(kind, metadata.get("namespace", ""), metadata["name"])


def resource_version(raw: Mapping[str, Any]) -> int:
    """Return the resource version: the API server guarantees growing integers (KEP 5504)."""
    return int(raw["metadata"]["resourceVersion"])


def _document(raw: Mapping[str, Any], kind: str) -> dict[str, Any]:
    metadata = raw["metadata"]
    kept = {key: metadata[key] for key in ("name", "namespace", "uid")}
    spec = raw.get("spec")
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": kept, "spec": spec}


def _child(raw: Mapping[str, Any]) -> dict[str, Any]:
    metadata = raw["metadata"]
    kept = {key: metadata[key] for key in AUTHORED if key in metadata}
    return {"metadata": kept} | {key: raw[key] for key in raw if key not in _IDENTITY}


def _owner(metadata: Mapping[str, Any]) -> Owner | None:
    for one in metadata.get("ownerReferences") or ():
        if one.get("controller"):
            ours = one["apiVersion"] == API_VERSION and one["kind"] in KINDS
            return Owner(one["kind"], one["name"], one["uid"], ours)
    return None


def _references(raw: Mapping[str, Any], kind: str) -> frozenset[str]:
    if kind == "PowerTarget":
        return frozenset(_bindings(raw.get("spec") or {}))
    if kind == "EndpointSlice":
        service = (raw["metadata"].get("labels") or {}).get(_SERVICE_NAME)
        return frozenset({service} if service else ())
    return _NOTHING


def _bindings(spec: Mapping[str, Any]) -> Iterator[str]:
    """Yield the bindings of a PowerTarget, valid or not: the API server enforces the types."""
    for level in (spec, *((spec.get("bmc") or {}).get("hosts") or ())):
        if reference := level.get("schedulerRef"):
            yield str(reference.get("name", ""))
