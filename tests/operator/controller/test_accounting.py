"""Bindings with accounting in a real cluster, and what outlives them."""

import pytest

from rackwatt_operator.kube.resources import ObjectKey
from tests.cluster.clients import Manifest
from tests.operator.kube_user import KubeUser, document, object_key

pytestmark = pytest.mark.usefixtures("operator")
NAME = "sb-prod-accounting"


def accounted(namespace: str, **accounting: object) -> Manifest:
    """Return a binding of Slurm with accounting."""
    spec = {"cluster": "prod", "slurm": {"ssh": {"host": "login"}}, "accounting": accounting}
    return document("SchedulerBinding", "prod", namespace, spec)


def claim_of(kube_user: KubeUser, namespace: str) -> Manifest | None:
    return kube_user.get(ObjectKey("PersistentVolumeClaim", namespace, NAME))


def kinds(kube_user: KubeUser, namespace: str) -> set[str]:
    """Return the kinds of the objects of accounting, without its volume and its monitoring."""
    children = {one.kind for one in kube_user.children(namespace) if one.name == NAME}
    return children - {"ServiceMonitor"}


def test_the_operator_creates_the_objects_of_accounting_and_its_condition(
    kube_user: KubeUser, namespace: str
) -> None:
    made = kube_user.apply(accounted(namespace, storage={"sqlite": {"size": "1Gi"}}))
    one = object_key(made)
    kube_user.until_reason(one, "AccountingAvailable", "RolloutInProgress")
    assert kinds(kube_user, namespace) == {"Deployment", "NetworkPolicy", "Service"}
    claim = claim_of(kube_user, namespace)
    assert claim is not None
    assert "ownerReferences" not in claim["metadata"]
    assert claim["spec"]["resources"]["requests"] == {"storage": "1Gi"}


def test_the_volume_outlives_its_binding_and_is_found_again(
    kube_user: KubeUser, namespace: str
) -> None:
    one = object_key(kube_user.apply(accounted(namespace)))
    kube_user.until_reason(one, "AccountingAvailable", "RolloutInProgress")
    before = claim_of(kube_user, namespace)
    assert before is not None
    kube_user.delete(one)
    kube_user.until(lambda: not kube_user.children(namespace), "nothing but the volume is left")
    kube_user.apply(accounted(namespace))
    kube_user.until_reason(one, "AccountingAvailable", "RolloutInProgress")
    after = claim_of(kube_user, namespace)
    assert after is not None
    assert after["metadata"]["uid"] == before["metadata"]["uid"]


def test_switching_accounting_off_deletes_all_but_the_volume(
    kube_user: KubeUser, namespace: str
) -> None:
    one = object_key(kube_user.apply(accounted(namespace)))
    kube_user.until_reason(one, "AccountingAvailable", "RolloutInProgress")
    kube_user.apply(accounted(namespace, enabled=False))
    kube_user.until(lambda: not kinds(kube_user, namespace), "the objects are deleted")
    kube_user.until(lambda: "AccountingAvailable" not in kube_user.conditions(one))
    claim = claim_of(kube_user, namespace)
    assert claim is not None
    assert "deletionTimestamp" not in claim["metadata"]


def test_a_volume_of_another_owner_is_left_unchanged(kube_user: KubeUser, namespace: str) -> None:
    foreign = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": NAME, "namespace": namespace},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "2Gi"}},
        },
    }
    kube_user.create(foreign)
    one = object_key(kube_user.apply(accounted(namespace)))
    condition = kube_user.until_reason(one, "AccountingAvailable", "NameConflict")
    assert NAME in condition["message"]
    claim = claim_of(kube_user, namespace)
    assert claim is not None
    assert claim["spec"]["resources"]["requests"] == {"storage": "2Gi"}
