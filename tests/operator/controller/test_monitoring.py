"""A running operator while Prometheus Operator is installed, selects by labels, and is removed."""

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
def kube_user(plane_user: KubeUser) -> KubeUser:
    """Return a user with all rights where CRDs may be deleted: on our own control plane."""
    return plane_user


@pytest.fixture(scope="module")
def operator(control_plane: ControlPlane, plane_account: Account) -> Iterator[Operating]:
    flags = (f"--lease.namespace={plane_account.namespace}", "--lease.duration=2s")
    with operating(control_plane, *flags, kubeconfig=plane_account.kubeconfig) as running:
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


def test_the_operator_follows_the_installation_and_removal_of_prometheus_operator(
    kube_user: KubeUser, control_plane: ControlPlane, own_namespace: str
) -> None:
    monitoring.remove(control_plane)
    one = object_key(kube_user.apply(fleet("lab", own_namespace)))
    condition = kube_user.until_reason(one, "Monitored", "MonitoringCRDsMissing")
    assert condition["status"] == "Unknown"
    kube_user.until_reason(one, "Scraped", "MonitoringCRDsMissing")
    with monitoring.installed(control_plane):
        kube_user.until_reason(one, "Monitored", "Monitored")
        assert kube_user.get(ObjectKey("ServiceMonitor", own_namespace, "pt-lab"))
        assert kube_user.get(ObjectKey("PrometheusRule", own_namespace, "pt-lab"))
    kube_user.until_reason(one, "Monitored", "MonitoringCRDsMissing")
    service = ObjectKey("Service", own_namespace, "pt-lab")
    kube_user.delete(service)
    kube_user.until(lambda: kube_user.get(service))  # all else goes on


def test_scraped_names_the_label_that_a_service_monitor_lacks(
    kube_user: KubeUser, there: None, own_namespace: str
) -> None:
    one = object_key(kube_user.apply(fleet("lab", own_namespace)))
    kube_user.until_reason(one, "Scraped", "NoPrometheus")
    wanted = {"matchLabels": {"release": "kps"}}
    kube_user.apply(prometheus("main", own_namespace, serviceMonitorSelector=wanted))
    condition = kube_user.until_reason(one, "Scraped", "NotSelected")
    assert f"Prometheus {own_namespace}/main wants label release=kps" in condition["message"]
    assert kube_user.conditions(one)["Ready"]["status"] == "False"
    labelled = {"serviceMonitor": {"labels": {"release": "kps"}}}
    kube_user.apply(fleet("lab", own_namespace, monitoring=labelled))
    condition = kube_user.until_reason(one, "Scraped", "Selected")
    assert f"{own_namespace}/main" in condition["message"]


def test_scraped_counts_a_prometheus_agent_that_selects_the_service_monitor(
    kube_user: KubeUser, there: None, own_namespace: str
) -> None:
    wanted = {"matchLabels": {"release": "kps"}}
    agent = prometheus("edge", own_namespace, serviceMonitorSelector=wanted) | {
        "apiVersion": BY_NAME["PrometheusAgent"].api_version,
        "kind": "PrometheusAgent",
    }
    kube_user.apply(agent)
    one = object_key(kube_user.apply(fleet("lab", own_namespace)))
    kube_user.until_reason(one, "Scraped", "NotSelected")
    wants = f"PrometheusAgent {own_namespace}/edge wants label release=kps"
    kube_user.until(lambda: wants in kube_user.conditions(one)["Scraped"]["message"], wants)
    kube_user.apply(agent | {"spec": {"serviceMonitorSelector": {}}})
    condition = kube_user.until_reason(one, "Scraped", "Selected")
    assert condition["status"] == "Unknown"
    assert (
        f"PrometheusAgent {own_namespace}/edge selects the ServiceMonitor" in condition["message"]
    )
    kube_user.delete(ObjectKey("PrometheusAgent", own_namespace, "edge"))
    kube_user.until_reason(one, "Scraped", "NoPrometheus")


def test_scraped_counts_a_label_that_a_user_adds_by_hand(
    kube_user: KubeUser, there: None, own_namespace: str
) -> None:
    wanted = {"matchLabels": {"team": "power"}}
    kube_user.apply(prometheus("main", own_namespace, serviceMonitorSelector=wanted))
    one = object_key(kube_user.apply(fleet("lab", own_namespace)))
    kube_user.until_reason(one, "Scraped", "NotSelected")
    monitor = ObjectKey("ServiceMonitor", own_namespace, "pt-lab")
    kube_user.merge(monitor, {"metadata": {"labels": {"team": "power"}}})
    kube_user.until_reason(one, "Scraped", "Selected")
    kube_user.delete(ObjectKey("Prometheus", own_namespace, "main"))
    kube_user.until_reason(one, "Scraped", "NoPrometheus")


def test_scraped_names_the_label_that_the_namespace_lacks(
    kube_user: KubeUser, there: None, own_namespace: str
) -> None:
    place = "rackwatt-test-monitoring"
    kube_user.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}})
    spec = {
        "serviceMonitorSelector": {},
        "serviceMonitorNamespaceSelector": {"matchLabels": {"watched": "yes"}},
    }
    kube_user.apply(prometheus("afar", place, **spec))
    one = object_key(kube_user.apply(fleet("lab", own_namespace)))
    condition = kube_user.until_reason(one, "Scraped", "NotSelected")
    assert f"label watched=yes on namespace {own_namespace}" in condition["message"]
    kube_user.delete(ObjectKey("Prometheus", place, "afar"))
    kube_user.delete(ObjectKey("Namespace", "", place))


def test_scraped_prefers_the_bindings_of_prometheus_operator_to_selectors(
    kube_user: KubeUser, there: None, own_namespace: str
) -> None:
    wanted = {"matchLabels": {"never": "so"}}
    kube_user.apply(prometheus("main", own_namespace, serviceMonitorSelector=wanted))
    one = object_key(kube_user.apply(fleet("lab", own_namespace)))
    kube_user.until_reason(one, "Scraped", "NotSelected")
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
    kube_user.merge(monitor, {"status": {"bindings": [bound]}}, "status")
    kube_user.until_reason(one, "Scraped", "Selected")
    rejected = accepted | {"status": "False", "message": "scrapeTimeout exceeds interval"}
    kube_user.merge(
        monitor, {"status": {"bindings": [bound | {"conditions": [rejected]}]}}, "status"
    )
    condition = kube_user.until_reason(one, "Scraped", "Rejected")
    assert "scrapeTimeout exceeds interval" in condition["message"]


def test_the_operator_leaves_a_foreign_service_monitor_with_a_childs_name_alone(
    kube_user: KubeUser, there: None, own_namespace: str
) -> None:
    theirs = {
        "apiVersion": MONITORING,
        "kind": "ServiceMonitor",
        "metadata": {"name": "pt-lab", "namespace": own_namespace},
        "spec": {"selector": {"matchLabels": {"mine": "yes"}}, "endpoints": []},
    }
    before = kube_user.create(theirs)
    one = object_key(kube_user.apply(fleet("lab", own_namespace)))
    condition = kube_user.until_reason(one, "Monitored", "NameConflict")
    assert "ServiceMonitor pt-lab already exists" in condition["message"]
    assert (kube_user.get(ObjectKey("ServiceMonitor", own_namespace, "pt-lab")) or {})[
        "metadata"
    ] == before["metadata"]
    assert kube_user.get(ObjectKey("PrometheusRule", own_namespace, "pt-lab"))


def test_the_operator_creates_no_monitoring_objects_if_disabled(
    kube_user: KubeUser, there: None, own_namespace: str
) -> None:
    off = {"serviceMonitor": {"enabled": False}, "rules": {"enabled": False}}
    one = object_key(kube_user.apply(fleet("lab", own_namespace, monitoring=off)))
    kube_user.until_reason(one, "Monitored", "Disabled")
    kube_user.apply(fleet("lab", own_namespace))
    kube_user.until_reason(one, "Monitored", "Monitored")
    kube_user.apply(fleet("lab", own_namespace, monitoring=off))
    kube_user.until(
        lambda: kube_user.get(ObjectKey("ServiceMonitor", own_namespace, "pt-lab")) is None
    )
    kube_user.until(
        lambda: kube_user.get(ObjectKey("PrometheusRule", own_namespace, "pt-lab")) is None
    )
