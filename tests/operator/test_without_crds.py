"""An operator that comes before the kinds it is for, and waits until they are there."""

from collections.abc import Iterator

import pytest

from scripts.tools import directory
from tests.cluster import documents
from tests.cluster.clients import Api
from tests.cluster.controlplane import ControlPlane
from tests.operator.kube_user import KubeUser, fleet, object_key
from tests.operator.operator_process import Operating
from tests.operator.service_account import account


@pytest.fixture
def bare() -> Iterator[ControlPlane]:
    """Run a control plane that has nothing of ours yet."""
    with ControlPlane(directory()) as running:
        yield running


def test_an_operator_without_crds_says_so_and_begins_when_they_come(bare: ControlPlane) -> None:
    who = account(bare)
    operator = Operating(
        bare, f"--lease.namespace={who.namespace}", "--lease.duration=2s", kubeconfig=who.kubeconfig
    )
    operator.start()
    try:
        operator.until_logged("install the CRDs")
        text = operator.get("/readyz")
        assert text.startswith("the cluster has no PowerTarget and no SchedulerBinding")
        assert operator.get("/healthz") == "ok\n"
        documents.install(bare)
        operator.until_ready()
        with Api(bare) as api:
            hands = KubeUser(api)
            lab = object_key(hands.apply(fleet("lab", "default")))
            hands.until_reason(lab, "Accepted", "Accepted")
    finally:
        operator.stop()
    assert "Traceback" not in operator.log.read_text()
