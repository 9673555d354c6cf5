"""Prometheus Operator comes, wants labels, and goes again: what a running operator says and does."""

from collections.abc import Iterator

import pytest

from rackwatt_operator.kube.resources import BY_NAME, MONITORING, ObjectKey
from tests.cluster import monitoring
from tests.cluster.clients import Manifest
from tests.cluster.controlplane import ControlPlane
from tests.operator.kube_user import KubeUser, fleet, object_key
from tests.operator.operator_process import Operating, operating
from tests.operator.service_account import Account

pytestmark = pytest.mark.usefixtures("operator")


@pytest.fixture(scope="module")
def hands(ours: KubeUser) -> KubeUser:
    """Return a user with all rights where CRDs may be deleted: on our own control plane."""
    return ours


@pytest.fixture(scope="module")
def operator(control_plane: ControlPlane, who: Account) -> Iterator[Operating]:
    flags = (f"--lease.namespace={who.namespace}", "--lease.duration=2s")
    with operating(control_plane, *flags, kubeconfig=who.kubeconfig) as running:
        yield running


@pytest.fixture(scope="module")
def there(control_plane: ControlPlane) -> Iterator[None]:
    with monitoring.installed(control_plane):
        yield


def prometheus(name: str, namespace: str, **spec: object) -> Manifest:
    return {
        "apiVersion": MONITORING,
        "kind": "Prometheus",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }


def test_prometheus_operator_comes_and_goes(
    hands: KubeUser, control_plane: ControlPlane, own_namespace: str
) -> None:
    monitoring.remove(control_plane)
    one = object_key(hands.apply(fleet("lab", own_namespace)))
    condition = hands.until_reason(one, "Monitored", "MonitoringCRDsMissing")
    assert condition["status"] == "Unknown"
    hands.until_reason(one, "Scraped", "MonitoringCRDsMissing")
    with monitoring.installed(control_plane):
        hands.until_reason(one, "Monitored", "Monitored")
        assert hands.get(ObjectKey("ServiceMonitor", own_namespace, "pt-lab"))
        assert hands.get(ObjectKey("PrometheusRule", own_namespace, "pt-lab"))
    hands.until_reason(one, "Monitored", "MonitoringCRDsMissing")
    service = ObjectKey("Service", own_namespace, "pt-lab")
    hands.delete(service)
    hands.until(lambda: hands.get(service))  # all else goes on


def test_an_unlabelled_service_monitor_is_told_which_label_is_wanted(
    hands: KubeUser, there: None, own_namespace: str
) -> None:
    one = object_key(hands.apply(fleet("lab", own_namespace)))
    hands.until_reason(one, "Scraped", "NoPrometheus")
    wanted = {"matchLabels": {"release": "kps"}}
    hands.apply(prometheus("main", own_namespace, serviceMonitorSelector=wanted))
    condition = hands.until_reason(one, "Scraped", "NotSelected")
    assert f"Prometheus {own_namespace}/main wants label release=kps" in condition["message"]
    assert hands.conditions(one)["Ready"]["status"] == "False"
    said = {"serviceMonitor": {"labels": {"release": "kps"}}}
    hands.apply(fleet("lab", own_namespace, monitoring=said))
    condition = hands.until_reason(one, "Scraped", "Selected")
    assert f"{own_namespace}/main" in condition["message"]


def test_an_agent_takes_it_as_well(hands: KubeUser, there: None, own_namespace: str) -> None:
    wanted = {"matchLabels": {"release": "kps"}}
    agent = prometheus("edge", own_namespace, serviceMonitorSelector=wanted) | {
        "apiVersion": BY_NAME["PrometheusAgent"].api_version,
        "kind": "PrometheusAgent",
    }
    hands.apply(agent)
    one = object_key(hands.apply(fleet("lab", own_namespace)))
    hands.until_reason(one, "Scraped", "NotSelected")
    wants = f"PrometheusAgent {own_namespace}/edge wants label release=kps"
    hands.until(lambda: wants in hands.conditions(one)["Scraped"]["message"], wants)
    hands.apply(agent | {"spec": {"serviceMonitorSelector": {}}})
    condition = hands.until_reason(one, "Scraped", "Selected")
    assert condition["status"] == "Unknown"
    assert (
        f"PrometheusAgent {own_namespace}/edge selects the ServiceMonitor" in condition["message"]
    )
    hands.delete(ObjectKey("PrometheusAgent", own_namespace, "edge"))
    hands.until_reason(one, "Scraped", "NoPrometheus")


def test_a_label_that_a_person_adds_by_hand_counts(
    hands: KubeUser, there: None, own_namespace: str
) -> None:
    wanted = {"matchLabels": {"team": "power"}}
    hands.apply(prometheus("main", own_namespace, serviceMonitorSelector=wanted))
    one = object_key(hands.apply(fleet("lab", own_namespace)))
    hands.until_reason(one, "Scraped", "NotSelected")
    monitor = ObjectKey("ServiceMonitor", own_namespace, "pt-lab")
    hands.merge(monitor, {"metadata": {"labels": {"team": "power"}}})
    hands.until_reason(one, "Scraped", "Selected")
    hands.delete(ObjectKey("Prometheus", own_namespace, "main"))
    hands.until_reason(one, "Scraped", "NoPrometheus")


def test_a_namespace_that_is_not_looked_at_is_told(
    hands: KubeUser, there: None, own_namespace: str
) -> None:
    place = "rackwatt-test-monitoring"
    hands.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}})
    spec = {
        "serviceMonitorSelector": {},
        "serviceMonitorNamespaceSelector": {"matchLabels": {"watched": "yes"}},
    }
    hands.apply(prometheus("afar", place, **spec))
    one = object_key(hands.apply(fleet("lab", own_namespace)))
    condition = hands.until_reason(one, "Scraped", "NotSelected")
    assert f"label watched=yes on namespace {own_namespace}" in condition["message"]
    hands.delete(ObjectKey("Prometheus", place, "afar"))
    hands.delete(ObjectKey("Namespace", "", place))


def test_what_prometheus_operator_itself_says_beats_our_guess(
    hands: KubeUser, there: None, own_namespace: str
) -> None:
    wanted = {"matchLabels": {"never": "so"}}
    hands.apply(prometheus("main", own_namespace, serviceMonitorSelector=wanted))
    one = object_key(hands.apply(fleet("lab", own_namespace)))
    hands.until_reason(one, "Scraped", "NotSelected")
    accepted = {
        "type": "Accepted",
        "status": "True",
        "reason": "Valid",
        "message": "",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    bound = {
        "group": "monitoring.coreos.com",
        "resource": "prometheuses",
        "name": "main",
        "namespace": own_namespace,
        "conditions": [accepted],
    }
    monitor = ObjectKey("ServiceMonitor", own_namespace, "pt-lab")
    hands.merge(monitor, {"status": {"bindings": [bound]}}, "status")
    hands.until_reason(one, "Scraped", "Selected")
    rejected = accepted | {"status": "False", "message": "scrapeTimeout exceeds interval"}
    hands.merge(monitor, {"status": {"bindings": [bound | {"conditions": [rejected]}]}}, "status")
    condition = hands.until_reason(one, "Scraped", "Rejected")
    assert "scrapeTimeout exceeds interval" in condition["message"]


def test_a_service_monitor_of_somebody_else_under_our_name_is_left_alone(
    hands: KubeUser, there: None, own_namespace: str
) -> None:
    theirs = {
        "apiVersion": MONITORING,
        "kind": "ServiceMonitor",
        "metadata": {"name": "pt-lab", "namespace": own_namespace},
        "spec": {"selector": {"matchLabels": {"mine": "yes"}}, "endpoints": []},
    }
    before = hands.create(theirs)
    one = object_key(hands.apply(fleet("lab", own_namespace)))
    condition = hands.until_reason(one, "Monitored", "NameConflict")
    assert "ServiceMonitor pt-lab already exists" in condition["message"]
    assert (hands.get(ObjectKey("ServiceMonitor", own_namespace, "pt-lab")) or {})[
        "metadata"
    ] == before["metadata"]
    assert hands.get(ObjectKey("PrometheusRule", own_namespace, "pt-lab"))


def test_monitoring_can_be_declined(hands: KubeUser, there: None, own_namespace: str) -> None:
    off = {"serviceMonitor": {"enabled": False}, "rules": {"enabled": False}}
    one = object_key(hands.apply(fleet("lab", own_namespace, monitoring=off)))
    hands.until_reason(one, "Monitored", "Disabled")
    hands.apply(fleet("lab", own_namespace))
    hands.until_reason(one, "Monitored", "Monitored")
    hands.apply(fleet("lab", own_namespace, monitoring=off))
    hands.until(lambda: hands.get(ObjectKey("ServiceMonitor", own_namespace, "pt-lab")) is None)
    hands.until(lambda: hands.get(ObjectKey("PrometheusRule", own_namespace, "pt-lab")) is None)
