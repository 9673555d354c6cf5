"""The end that everything comes to, whatever happened: all as planned, and then no more writes."""

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
"""Its uid: a hash of what it is of, the namespace among it."""
_OTHERS = frozenset({APPLIED_HASH, "deployment.kubernetes.io/revision"})
"""Annotations that contain uids or counts of changes."""


def planned(hands: KubeUser, namespace: str) -> dict[ObjectKey, Manifest]:
    """Plan what should be there, apart from the operator."""
    there = [
        one | {"apiVersion": API_VERSION}
        for kind in DOCUMENTS
        for one in hands.list(kind.kind, namespace)
    ]
    documents = [parse_document(one, "").document for one in there]
    bindings = {
        one.metadata.name: one.spec for one in documents if isinstance(one, SchedulerBinding)
    }
    facts = Facts(hands.monitoring(), bindings)
    children: dict[ObjectKey, Manifest] = {}
    for raw, document in zip(there, documents, strict=True):
        assert document
        found = plan(raw, document, facts, Defaults())
        assert not isinstance(found, BuildFailure)
        children |= {object_key(child): child for child in found}
    return children


def converged(hands: KubeUser, namespace: str) -> None:
    """Wait until exactly what is planned is there, and by the API server's word as planned."""
    desired = planned(hands, namespace)

    def unlike() -> list[ObjectKey]:
        different = desired.keys() ^ hands.children(namespace).keys()
        return sorted(different) or [name for name in desired if not hands.settled(desired[name])]

    hands.until(lambda: not unlike(), "all is as planned", unlike)


def at_rest(plane: ControlPlane, who: Account, hands: KubeUser) -> None:
    """Wait until the operator writes nothing more, its Lease apart."""

    def quiet() -> bool:
        plane.audit.mark()
        time.sleep(AT_REST_S)
        return not writes(plane, who)

    hands.until(quiet, "no more writes", lambda: writes(plane, who))


def writes(plane: ControlPlane, who: Account) -> Counter[tuple[str, str, int]]:
    """Count what the operator wrote since the audit log's mark, its Lease apart."""
    return Counter(
        (call.verb, call.resource, call.code)
        for call in plane.audit.writes(user=who.user)
        if call.resource not in ("leases", "selfsubjectaccessreviews")
    )


def outcome(hands: KubeUser, namespace: str) -> dict[str, Any]:
    """Give all that the operator has made and said in a namespace, in the same words for any."""
    found: dict[str, Any] = {}
    uids = {}
    for kind in DOCUMENTS:
        for one in hands.list(kind.kind, namespace):
            uids[one["metadata"]["uid"]] = f"the uid of {kind.kind} {one['metadata']['name']}"
            found[f"{kind.kind} {one['metadata']['name']}"] = _claims(one["status"])
    for name, child in hands.children(namespace).items():
        found[f"{name.kind} {name.name}"] = _made(child)
    text = json.dumps(found, sort_keys=True).replace(namespace, "the-namespace")
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
