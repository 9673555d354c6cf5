"""Steps of Rackwatt on the node: installed, configured, scraped, changed, removed."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import yaml

from tests.cluster.clients import Helm, Kubectl
from tests.cluster.cluster import Cluster
from tests.e2e import doc_commands
from tests.e2e.fleet import Fleet
from tests.e2e.monitoring import Prometheus
from tests.e2e.netns_host import ROOT
from tests.e2e.node import Node
from tests.e2e.run_report import RunReport
from tests.e2e.unit_steps import PodEnergy

IMAGES = ("operator", "collector")
DOCUMENTS = "powertargets,schedulerbindings"
LAB = "lab"
FLEET = "powertarget/simulated"
FALSE = "--for=condition={}=False"


def run(node: Node, report: RunReport) -> None:
    """Run every step that the README promises to users."""
    scenario, pods = Scenario(node), PodEnergy(node, LAB)
    steps: tuple[Callable[[], object], ...] = (
        scenario.follow_the_quick_start,
        scenario.install_the_examples,
        scenario.test_the_release,
        scenario.simulate,
        scenario.apply_documents,
        scenario.rotate_the_secret,
        scenario.query_watts,
        scenario.query_node_metrics,
        scenario.query_rules_and_operator,
        pods.find_a_burning_pod,
        pods.add_up,
        pods.join_a_bmc,
        pods.replace_the_collector,
        scenario.wait_until_ready,
        scenario.apply_an_unselected_label,
        scenario.apply_to_a_restricted_namespace,
        scenario.upgrade,
        scenario.delete_documents,
        scenario.uninstall,
    )
    for step in steps:
        report.run(step)


class Scenario:
    """Actions of a user, and the results that they see."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._kubectl = Kubectl(node, LAB)
        self._helm = Helm(node)
        self._prometheus = Prometheus(node)
        self._fleet = Fleet(node, LAB)

    def follow_the_quick_start(self) -> None:
        """Follow docs/quick-start.md: helm install, simulated BMCs, a fleet, watts in Prometheus."""
        for name in (f"rackwatt/{image}:{version('rackwatt')}" for image in IMAGES):
            self._node.name_image(f"docker.io/{name}", f"registry.example/{name}")
        for exchange in doc_commands.transcript("quick-start.md"):
            doc_commands.follow(exchange, self._node.shell)

    def install_the_examples(self) -> None:
        """Follow docs/install.md after helm install: kubectl apply of all examples, kubectl get."""
        for exchange in doc_commands.transcript("install.md")[1:]:
            doc_commands.follow(exchange, self._node.shell)

    def test_the_release(self) -> None:
        """Test the release: helm test."""
        output = self._helm.run("test", "rackwatt", "--namespace=rackwatt", "--timeout=120s")
        assert "Succeeded" in output, output

    def simulate(self) -> None:
        """Run a simulated fleet in a pod: rackwatt-exporter simulate."""
        self._node.kubectl.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": LAB}}
        )
        self._fleet.start()

    def apply_documents(self) -> None:
        """Apply a fleet whose Secret is out of date, a scheduler, and the node: BMCs refuse."""
        self._kubectl.apply(*self._fleet.secrets("of last year"))
        self._kubectl.apply(*self._fleet.documents(), workers())
        reason = "{.status.conditions[?(@.type=='Ready')].reason}"
        self._wait(FLEET, f"--for=jsonpath={reason}=NoTargetsReachable")
        assert "none of 3 targets responds" in self._message(FLEET, "Ready")

    def rotate_the_secret(self) -> None:
        """Rotate the Secret: the same pods log in to the BMCs."""
        before = self._pods()
        self._kubectl.apply(*self._fleet.secrets())
        self._prometheus.until(f"count(node_power_usage) == {self._fleet.size}")
        assert self._pods() == before

    def query_watts(self) -> None:
        """Query sum(node_power_usage) in Prometheus: it is what the simulator draws."""
        watts = self._prometheus.number("sum(node_power_usage)")
        low, high = self._fleet.watts()
        assert watts is not None
        assert low <= watts <= high, f"{watts} W, not between {low} and {high}"

    def query_node_metrics(self) -> None:
        """Query the node's CPU seconds and joules in Prometheus: they are those of its kernel."""
        joules = 'rackwatt_node_domain_energy_joules_total{namespace="lab",domain="package"}'
        before = self._prometheus.until(joules)
        self._node.machine.energy_counter.draw(joules=250.0)
        assert self._prometheus.until(f"{joules} > {before}") - before == 250.0
        least = self._node.machine.cpu_seconds()
        seconds = self._prometheus.until(
            f'sum(rackwatt_node_cpu_seconds_total{{namespace="lab"}}) > {least}'
        )
        assert seconds <= self._node.machine.cpu_seconds()

    def query_rules_and_operator(self) -> None:
        """Query series of recording rules and the operator's own metrics in Prometheus."""
        racks = "sum(rack:rackwatt_node_power_watts:sum)"
        self._prometheus.until(f"{racks} > 0.9 * sum(node_power_usage)")  # a moment behind it
        self._prometheus.until("sum(rackwatt_operator_leader) == 1")

    def wait_until_ready(self) -> None:
        """Wait until every resource is ready, and print its counts: kubectl get pt,sb."""
        self._wait(DOCUMENTS, "--all", "--for=condition=Ready")
        self._wait(FLEET, "--for=jsonpath={.status.targets.failing}=0")
        print(self._kubectl.run("get", "pt,sb"))

    def apply_an_unselected_label(self) -> None:
        """Apply a ServiceMonitor label that no Prometheus selects: Scraped is False."""
        self._kubectl.apply(unselected())
        self._wait("powertarget/unselected", FALSE.format("Scraped"))
        message = self._message("powertarget/unselected", "Scraped")
        assert "release" in message, message
        assert "prometheus" in message, message
        self._wait("powertarget/unselected", "--for=condition=Available")

    def apply_to_a_restricted_namespace(self) -> None:
        """Apply where Pod Security forbids the node's collectors: the status has its message."""
        name = "restricted"
        labels = {"pod-security.kubernetes.io/enforce": name}
        self._node.kubectl.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        )
        kubectl = Kubectl(self._node, name)
        kubectl.apply(workers())
        target = "powertarget/workers"
        kubectl.run("wait", target, FALSE.format("Available"), "--timeout=120s")
        reason = "{.status.conditions[?(@.type=='Available')].reason}=PodSecurity"
        kubectl.run("wait", target, f"--for=jsonpath={reason}", "--timeout=120s")
        message = self._message(target, "Available", name)
        assert 'violates PodSecurity "restricted:latest"' in message, message
        assert "hostPath" in message, message

    def upgrade(self) -> None:
        """Upgrade as docs/install.md does: CRDs, helm upgrade; collectors go on as they are."""
        before = self._pods()
        crds, release = doc_commands.commands("install.md", "Upgrade")
        self._node.shell(crds)
        self._node.shell(f"{release} --set log.level=debug")
        self._wait(FLEET, "--for=condition=Ready")
        assert self._pods() == before

    def delete_documents(self) -> None:
        """Delete every resource: the operator's children are deleted with them."""
        kubectl = self._node.kubectl
        self._node.shell(doc_commands.commands("install.md", "Uninstall")[0])
        made = "--selector=app.kubernetes.io/managed-by=rackwatt-operator"
        kinds = "all,configmap,serviceaccount,networkpolicy,servicemonitor,prometheusrule,pdb"
        kubectl.until(lambda k: not k.items(kinds, made, "--all-namespaces"))

    def uninstall(self) -> None:
        """Uninstall the release, delete the CRDs: nothing of ours is left."""
        for command in doc_commands.commands("install.md", "Uninstall")[1:]:
            self._node.shell(command)
        # Helm does not wait for pods: the operator's takes a moment to end.
        self._node.kubectl.until(lambda _: self._left() == ["namespace/rackwatt"])

    def _left(self) -> list[str]:
        return [name for name in everything(self._node) if "rackwatt" in name]

    def _wait(self, *what: str) -> None:
        self._kubectl.run("wait", *what, "--timeout=120s")

    def _message(self, what: str, condition: str, namespace: str = LAB) -> str:
        path = f"{{.status.conditions[?(@.type=='{condition}')].message}}"
        return Kubectl(self._node, namespace).run("get", what, f"--output=jsonpath={path}")

    def _pods(self) -> dict[str, int]:
        """List the collectors by their pods' uid, with how often they were restarted."""
        pods = self._kubectl.items(
            "pods", "--selector=app.kubernetes.io/managed-by=rackwatt-operator"
        )
        return {
            pod["metadata"]["uid"]: pod["status"]["containerStatuses"][0]["restartCount"]
            for pod in pods
        }


def workers() -> dict[str, object]:
    """Return the example for the nodes of a cluster, with a shorter interval."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "docs/examples/node.yaml").read_text())
    document["spec"]["interval"] = "1s"
    return document


def unselected() -> dict[str, object]:
    """Return a PowerTarget whose ServiceMonitor has another label than Prometheus selects."""
    return {
        "apiVersion": "rackwatt.dev/v1alpha1",
        "kind": "PowerTarget",
        "metadata": {"name": "unselected"},
        "spec": {
            "bmc": {"method": "fake", "hosts": [{"names": "lone1"}]},
            "monitoring": {"serviceMonitor": {"labels": {"release": "another"}}},
        },
    }


def everything(cluster: Cluster) -> list[str]:
    """Return the names of all objects in a cluster, of every kind that can be listed but events."""
    kubectl = Kubectl(cluster)
    resources = kubectl.run("api-resources", "--verbs=list", "--output=name").split()
    kinds = [kind for kind in resources if not kind.startswith("events")]
    listed = kubectl.run("get", ",".join(kinds), "--all-namespaces", "--output=name")
    return sorted(set(listed.split()))
