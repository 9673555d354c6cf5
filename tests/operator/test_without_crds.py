"""An operator that starts before its CRDs are installed, and waits for them."""

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
    """Run a control plane without Rackwatt's CRDs."""
    with ControlPlane(directory()) as running:
        yield running


def test_the_operator_reports_missing_crds_and_starts_when_they_are_installed(
    bare: ControlPlane,
) -> None:
    plane_account = account(bare)
    operator = Operating(
        bare,
        f"--lease.namespace={plane_account.namespace}",
        "--lease.duration=2s",
        kubeconfig=plane_account.kubeconfig,
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
            kube_user = KubeUser(api)
            lab = object_key(kube_user.apply(fleet("lab", "default")))
            kube_user.until_reason(lab, "Accepted", "Accepted")
    finally:
        operator.stop()
    assert "Traceback" not in operator.log.read_text()
