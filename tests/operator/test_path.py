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
    request: pytest.FixtureRequest, operated: Cluster, hands: KubeUser
) -> Iterator[tuple[Operating, str]]:
    """Run an operator behind the proxy, over the whole cluster or over one namespace."""
    place = f"under-a-path-{request.param.replace(' ', '-')}"
    hands.create({"kind": "Namespace", "metadata": {"name": place}})
    flags = [f"--lease.namespace={place}"]
    if request.param == "one namespace":
        flags.append(f"--namespace={place}")
    with ExitStack() as stack:
        kubeconfig = stack.enter_context(under_a_path(operated))
        yield stack.enter_context(operating(operated, *flags, kubeconfig=kubeconfig)), place
    hands.delete(ObjectKey("Namespace", "", place))


def test_an_api_server_under_a_path_is_listed_watched_and_led_as_any_other(
    placed: tuple[Operating, str], hands: KubeUser
) -> None:
    operator, place = placed
    document = fleet("lab", place)
    hands.apply(document)
    service = ObjectKey("Service", place, base(document))
    made = hands.until(lambda: hands.get(service), "the Service")
    hands.delete(service)  # which a watch alone brings to light before the next list of all

    def again() -> bool:
        found = hands.get(service)
        return found is not None and found["metadata"]["uid"] != made["metadata"]["uid"]

    hands.until(again, "another Service")
    hands.until_reason(object_key(document), "Accepted", "Accepted")
    assert operator.metric("rackwatt_operator_leader") == 1
    assert operator.metric("rackwatt_operator_watch_restarts_total") == 0
    assert "not all is watched" not in operator.log.read_text()
