"""Convergence: every object is as planned, and the operator writes nothing more."""

import json
import re
import time
from collections import Counter
from typing import Any

from rackwatt_crds.document import API_VERSION, SchedulerBinding
from rackwatt_crds.loading import parse_document
from rackwatt_operator.kube.cached_object import APPLIED_HASH
from rackwatt_operator.kube.resources import DOCUMENTS, ObjectKey
from rackwatt_operator.manifests.build import plan
from rackwatt_operator.manifests.defaults import Defaults
from rackwatt_operator.manifests.params import BuildFailure, Facts
from tests.cluster.clients import Manifest
from tests.cluster.controlplane import ControlPlane
from tests.operator.kube_user import KubeUser, object_key
from tests.operator.service_account import Account

AT_REST_S = 3.0
_SERVERS_OWN = frozenset(
    {"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"}
)
_DASHBOARD = re.compile(r"rackwatt-[0-9a-f]{20}")
"""Its uid: a hash of its kind, namespace and name."""
_OTHERS = frozenset({APPLIED_HASH, "deployment.kubernetes.io/revision"})
"""Annotations that contain uids or counts of changes."""


def planned(kube_user: KubeUser, namespace: str) -> dict[ObjectKey, Manifest]:
    """Plan what should be there, apart from the operator."""
    there = [
        one | {"apiVersion": API_VERSION}
        for kind in DOCUMENTS
        for one in kube_user.list(kind.kind, namespace)
    ]
    documents = [parse_document(one, "").document for one in there]
    bindings = {
        one.metadata.name: one.spec for one in documents if isinstance(one, SchedulerBinding)
    }
    facts = Facts(kube_user.monitoring(), bindings)
    children: dict[ObjectKey, Manifest] = {}
    for raw, document in zip(there, documents, strict=True):
        assert document
        manifests = plan(raw, document, facts, Defaults())
        assert not isinstance(manifests, BuildFailure)
        children |= {object_key(child): child for child in manifests}
    return children


def converged(kube_user: KubeUser, namespace: str) -> None:
    """Wait until exactly the planned objects exist, and a dry run would not change them."""
    desired = planned(kube_user, namespace)

    def unlike() -> list[ObjectKey]:
        different = desired.keys() ^ kube_user.children(namespace).keys()
        return sorted(different) or [
            name for name in desired if not kube_user.settled(desired[name])
        ]

    kube_user.until(lambda: not unlike(), "all is as planned", unlike)


def at_rest(plane: ControlPlane, plane_account: Account, kube_user: KubeUser) -> None:
    """Wait until the operator writes nothing more, its Lease apart."""

    def quiet() -> bool:
        plane.audit.mark()
        time.sleep(AT_REST_S)
        return not writes(plane, plane_account)

    kube_user.until(quiet, "no more writes", lambda: writes(plane, plane_account))


def writes(plane: ControlPlane, plane_account: Account) -> Counter[tuple[str, str, int]]:
    """Count what the operator wrote since the audit log's mark, its Lease apart."""
    return Counter(
        (call.verb, call.resource, call.code)
        for call in plane.audit.writes(user=plane_account.user)
        if call.resource not in ("leases", "selfsubjectaccessreviews")
    )


def outcome(kube_user: KubeUser, namespace: str) -> dict[str, Any]:
    """Return all children and statuses in a namespace, with placeholders for names and uids."""
    objects: dict[str, Any] = {}
    uids = {}
    for kind in DOCUMENTS:
        for one in kube_user.list(kind.kind, namespace):
            uids[one["metadata"]["uid"]] = f"the uid of {kind.kind} {one['metadata']['name']}"
            objects[f"{kind.kind} {one['metadata']['name']}"] = _claims(one["status"])
    for name, child in kube_user.children(namespace).items():
        objects[f"{name.kind} {name.name}"] = _made(child)
    text = json.dumps(objects, sort_keys=True).replace(namespace, "the-namespace")
    text = _DASHBOARD.sub("the uid of a dashboard", text)
    for uid, placeholder in uids.items():
        text = text.replace(uid, placeholder)
    plain: dict[str, Any] = json.loads(text)
    return plain


def _made(child: Manifest) -> Manifest:
    metadata = {key: value for key, value in child["metadata"].items() if key not in _SERVERS_OWN}
    annotations = metadata.pop("annotations", {})
    metadata["annotations"] = {key: annotations[key] for key in annotations.keys() - _OTHERS}
    return {key: value for key, value in child.items() if key != "status"} | {"metadata": metadata}


def _claims(status: Manifest) -> Manifest:
    conditions = [(one["type"], one["status"], one["reason"]) for one in status["conditions"]]
    return {key: status.get(key) for key in ("kind", "method", "scheduler")} | {
        "conditions": conditions
    }
