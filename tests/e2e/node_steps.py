"""The node itself, before anything of ours is on it: pods run, names are found, Prometheus scrapes."""

from concurrent.futures import ThreadPoolExecutor

from tests.cluster.clients import Kubectl
from tests.e2e import images, monitoring
from tests.e2e.monitoring import Prometheus
from tests.e2e.netns_host import HERE
from tests.e2e.node import Node
from tests.e2e.run_report import Account

OWN_MONITOR = {
    "apiVersion": "monitoring.coreos.com/v1",
    "kind": "ServiceMonitor",
    "metadata": {"name": "prometheus", "namespace": "monitoring"},
    "spec": {
        "selector": {"matchLabels": {"operated-prometheus": "true"}},
        "endpoints": [{"port": "web"}],
    },
}


def take(node: Node, account: Account) -> None:
    """Bring the node up, and show that it is one."""
    with ThreadPoolExecutor(1) as beside:
        account.take(node.start_containerd)
        first = images.first(node.directory, node.tools)
        account.take(lambda: node.import_images(first), "Import the images of pause and CoreDNS")
        others = images.monitoring(node.directory, node.tools)
        imported = beside.submit(node.import_images, others)
        built = beside.submit(lambda: node.import_images(images.ours(node.directory)))
        account.take(node.start_control_plane)
        account.take(node.start_kubelet)
        account.take(lambda: names_are_found(node), "Cluster DNS is ready")
        account.take(imported.result, "Images of Prometheus and its operator are there")
        account.take(lambda: monitoring.install(node), "Install Prometheus and its operator")
        account.take(built.result, "Our two images are built and imported, meanwhile")
    account.take(lambda: a_service_answers(node), "A pod reaches a Service by its name")
    account.take(lambda: a_label_is_wanted(node), "Prometheus takes what has its label alone")


def names_are_found(node: Node) -> None:
    """Install CoreDNS, and wait until it is ready."""
    node.kubectl.apply(HERE / "manifests/coredns.yaml")
    rollout = ("rollout", "status", "deployment/coredns", "--timeout=120s")
    Kubectl(node, "kube-system").run(*rollout)


def a_service_answers(node: Node) -> None:
    """Let a program in a pod ask a Service by its name."""
    url = "http://prometheus-operated.monitoring.svc:9090"
    command = ("exec", "prometheus-main-0", "--", "promtool", "query", "instant", url, "6 * 7")
    assert "scalar: 42 @" in Kubectl(node, "monitoring").until(lambda k: k.run(*command))


def a_label_is_wanted(node: Node) -> None:
    """Have a ServiceMonitor left alone until it has the label that Prometheus selects."""
    kubectl, prometheus = Kubectl(node, "monitoring"), Prometheus(node)
    kubectl.apply(OWN_MONITOR)
    prometheus.until("absent(up)")
    kubectl.run("label", "servicemonitor/prometheus", "release=prometheus")
    assert prometheus.until('up{job="prometheus-operated"} == 1') == 1
