"""Documents of every size that an API server stores: reconciled, or refused with a reason."""

import json

import pytest

from tests.cluster.clients import CommandError, Kubectl, Manifest
from tests.cluster.cluster import Cluster
from tests.operator.kube_user import KubeUser, document, object_key
from tests.operator.operator_process import Operating


def large(name: str, namespace: str, least_bytes: int) -> Manifest:
    """Return a fleet of about this size as JSON, in entries of forty names."""
    entry = len(json.dumps({"names": ",".join(f"n{1000}x{one:02}" for one in range(40))})) + 1
    hosts = [
        {"names": ",".join(f"n{number + 1000}x{one:02}" for one in range(40))}
        for number in range(-(-least_bytes // entry))
    ]
    return document("PowerTarget", name, namespace, {"bmc": {"method": "fake", "hosts": hosts}})


def test_the_operator_reconciles_a_large_document_of_a_server_side_apply(
    operator: Operating, operated: Cluster, kube_user: KubeUser, namespace: str
) -> None:
    made = large("large", namespace, 300_000)
    with pytest.raises(CommandError, match="may not be more than 262144 bytes"):
        Kubectl(operated, namespace).run("apply", "--filename=-", said=json.dumps(made))
    Kubectl(operated).apply(made)
    assert kube_user.until_reason(object_key(made), "Accepted", "Accepted")["status"] == "True"


@pytest.mark.parametrize("size", [1_060_000, 1_500_000])
def test_the_operator_refuses_a_document_too_large_for_a_config_map_once(
    size: int, operator: Operating, kube_user: KubeUser, namespace: str
) -> None:
    made = kube_user.apply(large("larger", namespace, size))
    condition = kube_user.until_reason(object_key(made), "Accepted", "DocumentTooLarge")
    assert "a ConfigMap holds 1024 KiB" in condition["message"]
    kube_user.until(
        lambda: operator.metric("rackwatt_operator_queue_retrying") == 0, "none retried"
    )
