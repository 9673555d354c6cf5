"""A user of a cluster: creates documents, changes any object, and reads them.

Requests are plain, so that a test can afford hundreds; the field manager of applies is `tests`.
"""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from rackwatt_operator.kube.cached_object import APPLIED_HASH
from rackwatt_operator.kube.resources import (
    BY_NAME,
    CHILDREN,
    MONITORING,
    SECRET,
    ObjectKey,
    Resource,
)
from rackwatt_operator.manifests import naming
from tests.cluster.clients import Api, Manifest

T = TypeVar("T")

PATIENCE_S = 120.0
KINDS = BY_NAME | {
    "Namespace": Resource("v1", "Namespace", "namespaces"),
    "Event": Resource("v1", "Event", "events"),
    "Lease": Resource("coordination.k8s.io/v1", "Lease", "leases"),
    "Pod": Resource("v1", "Pod", "pods"),
    "Secret": SECRET,
    "ReplicaSet": Resource("apps/v1", "ReplicaSet", "replicasets"),
    "Node": Resource("v1", "Node", "nodes"),
}
OWN = "app.kubernetes.io/managed-by=rackwatt-operator"


def fleet(name: str, namespace: str, hosts: str = "n[1-3]", **spec: Any) -> Manifest:
    """Return a PowerTarget of simulated targets."""
    bmc = {"method": "fake", "hosts": [{"names": hosts}], **spec.pop("bmc", {})}
    return document("PowerTarget", name, namespace, {"bmc": bmc, **spec})


def nodes(name: str, namespace: str, **spec: Any) -> Manifest:
    """Return a PowerTarget of the cluster's own nodes."""
    return document("PowerTarget", name, namespace, {"node": {"collectors": ["cpu"]}} | spec)


def binding(name: str, namespace: str, **spec: Any) -> Manifest:
    """Return a SchedulerBinding that polls no scheduler."""
    default = {"cluster": "prod", "noop": {"states": [{"names": "n[1-3]", "state": "idle"}]}}
    return document("SchedulerBinding", name, namespace, default | spec)


def document(kind: str, name: str, namespace: str, spec: Manifest) -> Manifest:
    """Return a document."""
    return {
        "apiVersion": BY_NAME[kind].api_version,
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def base(manifest: Manifest) -> str:
    """Return the base name of a document's children."""
    return naming.base(manifest["kind"], manifest["metadata"]["name"])


def object_key(manifest: Manifest) -> ObjectKey:
    """Return the key of an object."""
    metadata = manifest["metadata"]
    return ObjectKey(manifest["kind"], metadata.get("namespace", ""), metadata["name"])


class KubeUser:
    """Requests as one user."""

    def __init__(self, api: Api) -> None:
        self.client = api.client

    def apply(self, manifest: Manifest, manager: str = "tests") -> Manifest:
        """Apply a manifest with force, and return the resulting object."""
        one = object_key(manifest)
        return self._done(
            self._request(
                "PATCH",
                _path(one),
                params={"fieldManager": manager, "force": "true"},
                headers={"Content-Type": "application/apply-patch+yaml"},
                json=manifest,
            )
        )

    def tried(self, manifest: Manifest) -> bool:
        """Create an object; return whether the API server accepts it."""
        answer = self._request(
            "POST", KINDS[manifest["kind"]].path(object_key(manifest).namespace), json=manifest
        )
        assert answer.is_success or answer.status_code in (409, 422), answer.text
        return answer.is_success

    def create(self, manifest: Manifest) -> Manifest:
        """Create an object."""
        one = object_key(manifest)
        path = KINDS[one.kind].path(one.namespace or None)
        return self._done(self._request("POST", path, json=manifest))

    def merge(self, one: ObjectKey, change: Manifest, subresource: str = "") -> Manifest:
        """Change some fields of an object."""
        headers = {"Content-Type": "application/merge-patch+json"}
        path = _path(one) + (f"/{subresource}" if subresource else "")
        return self._done(self._request("PATCH", path, headers=headers, json=change))

    def get(self, one: ObjectKey) -> Manifest | None:
        """Get an object; None where it is not there."""
        answer = self._request("GET", _path(one))
        return None if answer.status_code == 404 else self._done(answer)

    def list(self, kind: str, namespace: str = "", **parameters: str) -> list[Manifest]:
        """List objects; none where the API does not have the kind."""
        answer = self._request("GET", KINDS[kind].path(namespace or None), params=parameters)
        items: list[Manifest] = [] if answer.status_code == 404 else self._done(answer)["items"]
        return [one | {"kind": kind} for one in items]

    def delete(self, one: ObjectKey) -> None:
        """Delete an object that may be there."""
        answer = self._request("DELETE", _path(one))
        assert answer.status_code in (200, 202, 404), answer.text

    def children(self, namespace: str) -> dict[ObjectKey, Manifest]:
        """List all objects of a namespace with the operator's label."""
        children = [
            one for kind in CHILDREN for one in self.list(kind.kind, namespace, labelSelector=OWN)
        ]
        return {object_key(one): one for one in children}

    def settled(self, one: Manifest) -> bool:
        """Return whether an apply by the operator would leave the object unchanged, by a dry run."""
        name = object_key(one)
        live = self.get(name)
        if live is None:
            return False
        stamps = live["metadata"].get("annotations", {})
        kept = {key: stamps[key] for key in (APPLIED_HASH,) if key in stamps}
        annotations = one["metadata"].get("annotations", {}) | kept
        answer = self._request(
            "PATCH",
            _path(name),
            params={"fieldManager": "rackwatt-operator", "force": "true", "dryRun": "All"},
            headers={"Content-Type": "application/apply-patch+yaml"},
            json=one | {"metadata": one["metadata"] | {"annotations": annotations}},
        )
        return answer.is_success and _authored(answer.json()) == _authored(live)

    def monitoring(self) -> frozenset[str]:
        """Return the kinds of Prometheus Operator that the API server has."""
        answer = self._request("GET", f"/apis/{MONITORING}")
        resources = answer.json()["resources"] if answer.is_success else []
        return frozenset(one["kind"] for one in resources if "/" not in one["name"])

    def conditions(self, one: ObjectKey) -> dict[str, Manifest]:
        """Return a document's conditions by type."""
        status = (self.get(one) or {}).get("status") or {}
        return {condition["type"]: condition for condition in status.get("conditions", ())}

    def until_reason(self, one: ObjectKey, type_: str, reason: str) -> Manifest:
        """Wait until a condition has a reason, and return the condition."""

        def has() -> Manifest | None:
            condition = self.conditions(one).get(type_)
            return condition if condition and condition["reason"] == reason else None

        return self.until(has, f"{one}: {type_} {reason}", lambda: self.conditions(one))

    def until(
        self,
        holds: Callable[[], T | None],
        what: str = "",
        otherwise: Callable[[], object] = lambda: "",
        patience_s: float = PATIENCE_S,
    ) -> T:
        """Wait until a condition returns a true value, and return it."""
        deadline_s = time.monotonic() + patience_s
        while time.monotonic() < deadline_s:
            try:
                if value := holds():
                    return value
            except httpx.TransportError:  # an API server that is away comes back
                pass
            time.sleep(0.1)
        raise AssertionError(f"waited in vain until {what or holds}: {otherwise()}")

    def _request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send a request, and repeat it while the API server is overloaded or unavailable."""
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            answer = self.client.request(method, path, **more)
            if answer.status_code not in (429, 500, 503) or time.monotonic() > deadline_s:
                return answer
            time.sleep(0.2)

    @staticmethod
    def _done(answer: httpx.Response) -> Manifest:
        assert answer.is_success, answer.text
        done: Manifest = answer.json()
        return done


def _path(one: ObjectKey) -> str:
    return KINDS[one.kind].path(one.namespace or None, one.name)


def _authored(manifest: Manifest) -> Manifest:
    """Return an object as its author wrote it, or would write it."""
    metadata = manifest["metadata"]
    authored = {key: metadata.get(key) for key in ("labels", "annotations", "ownerReferences")}
    return {"metadata": authored} | {
        key: value for key, value in manifest.items() if key not in ("metadata", "status")
    }
