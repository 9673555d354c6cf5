"""Prometheus and its operator on the node, queried through the API server."""

import json
import time
import urllib.parse
from typing import Any

from tests.cluster import monitoring as crds
from tests.cluster.clients import CommandError, Kubectl
from tests.e2e.netns_host import HERE
from tests.e2e.node import Node

PATIENCE_S = 120.0
SERVICE = "/api/v1/namespaces/monitoring/services/prometheus-operated:web/proxy/api/v1"


def install(node: Node) -> None:
    """Install the Prometheus Operator's CRDs, the operator, and a Prometheus."""
    crds.install(node, [*crds.KINDS, "podmonitors", "probes"])  # what the operator watches
    kubectl = Kubectl(node, "monitoring")
    node.kubectl.apply(HERE / "manifests/prometheus.yaml")
    kubectl.run("rollout", "status", "deployment/prometheus-operator", "--timeout=120s")
    kubectl.until(lambda k: k.get("statefulset", "prometheus-main"))
    kubectl.run("rollout", "status", "statefulset/prometheus-main", "--timeout=120s")


class Prometheus:
    """The Prometheus on a node."""

    def __init__(self, node: Node) -> None:
        self._kubectl = node.kubectl

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Evaluate an expression now."""
        query = urllib.parse.quote(expression)
        response = self._kubectl.run("get", f"--raw={SERVICE}/query?query={query}")
        result: list[dict[str, Any]] = json.loads(response)["data"]["result"]
        return result

    def number(self, expression: str) -> float | None:
        """Evaluate an expression that has one value, or none."""
        result = self.query(expression)
        return float(result[0]["value"][1]) if result else None

    def until(self, expression: str) -> float:
        """Wait until an expression has a value, and return it.

        Raises:
            TimeoutError: it has none.
        """
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            try:
                if (value := self.number(expression)) is not None:
                    return value
            except CommandError:
                pass  # it is not up yet
            time.sleep(0.2)
        raise TimeoutError(f"Prometheus has nothing for {expression}")
