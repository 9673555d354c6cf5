"""An operator whose API server is under a path, behind a real `kubectl proxy --api-prefix`."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from rackwatt_operator.kube.resources import ObjectKey
from tests.cluster.cluster import Cluster
from tests.cluster.kubectl_proxy import under_a_path
from tests.operator.kube_user import KubeUser, base, fleet, object_key
from tests.operator.operator_process import Operating, operating


@pytest.fixture(scope="module", params=["everywhere", "one namespace"])
def placed(
    request: pytest.FixtureRequest, operated: Cluster, kube_user: KubeUser
) -> Iterator[tuple[Operating, str]]:
    """Run an operator behind the proxy, over the whole cluster or over one namespace."""
    place = f"under-a-path-{request.param.replace(' ', '-')}"
    kube_user.create({"kind": "Namespace", "metadata": {"name": place}})
    flags = [f"--lease.namespace={place}"]
    if request.param == "one namespace":
        flags.append(f"--namespace={place}")
    with ExitStack() as stack:
        kubeconfig = stack.enter_context(under_a_path(operated))
        yield stack.enter_context(operating(operated, *flags, kubeconfig=kubeconfig)), place
    kube_user.delete(ObjectKey("Namespace", "", place))


def test_the_operator_lists_watches_and_leads_on_an_api_server_under_a_path(
    placed: tuple[Operating, str], kube_user: KubeUser
) -> None:
    operator, place = placed
    document = fleet("lab", place)
    kube_user.apply(document)
    service = ObjectKey("Service", place, base(document))
    made = kube_user.until(lambda: kube_user.get(service), "the Service")
    kube_user.delete(service)  # which a watch alone brings to light before the next list of all

    def again() -> bool:
        found = kube_user.get(service)
        return found is not None and found["metadata"]["uid"] != made["metadata"]["uid"]

    kube_user.until(again, "another Service")
    kube_user.until_reason(object_key(document), "Accepted", "Accepted")
    assert operator.metric("rackwatt_operator_leader") == 1
    assert operator.metric("rackwatt_operator_watch_restarts_total") == 0
    assert "some are not watched" not in operator.log.read_text()
