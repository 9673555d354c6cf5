"""One object as it was last seen: what of it concerns us, in a few hundred bytes.

What its author decides (`content`) is kept apart from what becomes of it (`status`). Content that
was found to be as it should be is let go, its digest stays: ten thousand children at rest cost a
few megabytes, and an event that changes nothing of it is known by the digest alone.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from rackwatt_crds.document import API_VERSION, KINDS
from rackwatt_operator.kube.resources import ObjectKey

STAMP = "rackwatt.dev/applied"
"""The annotation of a child that tells which desired state was applied to it: a digest of it.

A field that is no longer desired leaves no other trace after a restart."""

_SERVICE_NAME = "kubernetes.io/service-name"
_NO_LABELS: Mapping[str, str] = {}
_NOTHING: frozenset[str] = frozenset()
_IDENTITY = ("apiVersion", "kind", "metadata", "status")
AUTHORED = ("labels", "annotations", "ownerReferences")
"""What of a child's metadata is desired, and can drift."""

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
    """The object, but for its name.

    `settled` is the stamp of the desired state that its content was found to meet. `about` are the
    SchedulerBindings that a PowerTarget names, the Service that an EndpointSlice is of. `labels`
    are those of a ServiceMonitor or PrometheusRule, which Prometheus selects by them.
    """

    uid: str
    version: int
    generation: int
    terminating: bool
    owner: Owner | None
    stamp: str
    digest: bytes
    content: bytes | None
    status: bytes
    about: frozenset[str] = _NOTHING
    labels: Mapping[str, str] = field(default_factory=dict)
    settled: str = ""

    def settle(self, stamp: str) -> None:
        """Note that it is as it should be, and let go of what it is."""
        self.settled, self.content = stamp, None


def seen(raw: Mapping[str, Any], kind: str) -> CachedObject:
    """Read an object."""
    metadata = raw["metadata"]
    authored = _document(raw, kind) if kind in KINDS else _child(raw)
    content = msgspec.json.encode(authored, order="sorted")
    status = raw.get("status") if kind in _WITH_STATUS else None
    return CachedObject(
        uid=metadata["uid"],
        version=version(raw),
        generation=metadata.get("generation", 0),
        terminating="deletionTimestamp" in metadata,
        owner=_owner(metadata),
        stamp=(metadata.get("annotations") or {}).get(STAMP, ""),
        digest=hashlib.blake2b(content, digest_size=12).digest(),
        content=content,
        status=msgspec.json.encode(status) if status else b"",
        about=_about(raw, kind),
        labels=metadata.get("labels") or {} if kind in _SELECTED else _NO_LABELS,
    )


def ref(raw: Mapping[str, Any], kind: str) -> ObjectKey:
    """Name an object."""
    metadata = raw["metadata"]
    return ObjectKey(kind, metadata.get("namespace", ""), metadata["name"])


def version(raw: Mapping[str, Any]) -> int:
    """Tell an object's version: the API server promises numbers that grow (KEP 5504)."""
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


def _about(raw: Mapping[str, Any], kind: str) -> frozenset[str]:
    if kind == "PowerTarget":
        return frozenset(_bindings(raw.get("spec") or {}))
    if kind == "EndpointSlice":
        service = (raw["metadata"].get("labels") or {}).get(_SERVICE_NAME)
        return frozenset({service} if service else ())
    return _NOTHING


def _bindings(spec: Mapping[str, Any]) -> Iterator[str]:
    """List the bindings of a PowerTarget that may not be valid: the API server holds the types."""
    for said in (spec, *((spec.get("bmc") or {}).get("hosts") or ())):
        if named := said.get("schedulerRef"):
            yield str(named.get("name", ""))
