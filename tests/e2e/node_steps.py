"""Steps of the node before Rackwatt is installed: pods run, DNS resolves, Prometheus scrapes."""

from concurrent.futures import ThreadPoolExecutor

from tests.cluster.clients import Kubectl
from tests.e2e import images, monitoring
from tests.e2e.monitoring import Prometheus
from tests.e2e.netns_host import HERE
from tests.e2e.node import Node
from tests.e2e.run_report import RunReport

OWN_MONITOR = {
    "apiVersion": "monitoring.coreos.com/v1",
    "kind": "ServiceMonitor",
    "metadata": {"name": "prometheus", "namespace": "monitoring"},
    "spec": {
        "selector": {"matchLabels": {"operated-prometheus": "true"}},
        "endpoints": [{"port": "web"}],
    },
}


def run(node: Node, report: RunReport) -> None:
    """Start the node, and check that it works."""
    with ThreadPoolExecutor(1) as beside:
        report.run(node.start_containerd)
        first = images.first(node.directory, node.tools)
        report.run(lambda: node.import_images(first), "Import the images of pause and CoreDNS")
        others = images.monitoring(node.directory, node.tools)
        imported = beside.submit(node.import_images, others)
        built = beside.submit(lambda: node.import_images(images.ours(node.directory)))
        report.run(node.start_control_plane)
        report.run(node.start_kubelet)
        report.run(lambda: install_dns(node), "Cluster DNS is ready")
        report.run(imported.result, "Images of Prometheus and its operator are imported")
        report.run(lambda: monitoring.install(node), "Install Prometheus and its operator")
        report.run(built.result, "Our images are built and imported, meanwhile")
    report.run(lambda: query_by_service_name(node), "A pod reaches a Service by its name")
    report.run(lambda: select_by_label(node), "Prometheus selects ServiceMonitors by label")


def install_dns(node: Node) -> None:
    """Install CoreDNS, and wait until it is ready."""
    node.kubectl.apply(HERE / "manifests/coredns.yaml")
    rollout = ("rollout", "status", "deployment/coredns", "--timeout=120s")
    Kubectl(node, "kube-system").run(*rollout)


def query_by_service_name(node: Node) -> None:
    """Query Prometheus from a pod by the name of its Service."""
    url = "http://prometheus-operated.monitoring.svc:9090"
    command = ("exec", "prometheus-main-0", "--", "promtool", "query", "instant", url, "6 * 7")
    assert "scalar: 42 @" in Kubectl(node, "monitoring").until(lambda k: k.run(*command))


def select_by_label(node: Node) -> None:
    """Check that Prometheus scrapes a ServiceMonitor only when it has the selected label."""
    kubectl, prometheus = Kubectl(node, "monitoring"), Prometheus(node)
    kubectl.apply(OWN_MONITOR)
    prometheus.until("absent(up)")
    kubectl.run("label", "servicemonitor/prometheus", "release=prometheus")
    assert prometheus.until('up{job="prometheus-operated"} == 1') == 1
