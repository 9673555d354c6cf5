"""The operator as a user that /etc/passwd does not have, as clusters assign them."""

import pytest

from tests.cluster.cluster import Cluster
from tests.operator.kube_user import KubeUser, fleet, object_key
from tests.operator.operator_process import operating

NAMELESS = ("unshare", "--user", "--map-user=1000680000", "--map-group=0")


def test_the_operator_works_under_a_uid_without_a_name(
    operated: Cluster, kube_user: KubeUser, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(variable, raising=False)
    with operating(operated, f"--namespace={namespace}", through=NAMELESS):
        document = object_key(kube_user.apply(fleet("lab", namespace)))
        kube_user.until_reason(document, "Available", "RolloutInProgress")
