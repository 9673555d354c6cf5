"""Simulated fleet in a pod of the node: a machine of each kind, reached by the name of a Service."""

import json
import time
from importlib.metadata import version
from typing import Any

import yaml

from rackwatt_exporter.simulator.fleet import racks
from tests.cluster.clients import Kubectl
from tests.e2e.node import Node

NAME = "bmcs"
READ = """
import json, pathlib
files = [p for p in pathlib.Path("/fleet").glob("[ds]*/**/*") if p.is_file()]
print(json.dumps({str(p.relative_to("/fleet")): p.read_text() for p in files}))
"""
# Between a reading and the query lie an interval, a scrape, and delays of a busy machine.
OLDEST_S = 15
# A PDU reports tens of watts, a BMC whole ones.
ROUNDED_WATTS = 5 + 1 + 1


class Fleet:
    """Machines of every kind that the simulator knows."""

    def __init__(self, node: Node, namespace: str) -> None:
        self._kubectl = Kubectl(node, namespace)
        self._files: dict[str, str] = {}
        self._host = f"{NAME}.{namespace}.svc"
        self._machines = [machine for rack in racks(3) for machine in rack.machines]

    @property
    def size(self) -> int:
        """Return the number of machines."""
        return len(self._machines)

    def start(self) -> None:
        """Run the simulator, and read the documents and secrets that it has written."""
        self._kubectl.apply(_pod(), _service())
        self._kubectl.run("wait", f"pod/{NAME}", "--for=condition=Ready", "--timeout=120s")
        read = ("exec", NAME, "--", "python3", "-c", READ)
        self._files = self._kubectl.until(lambda k: _complete(json.loads(k.run(*read))))

    def documents(self) -> list[dict[str, Any]]:
        """Return the documents that it wrote, with a name in place of its addresses."""
        texts = [text for name, text in self._files.items() if name.startswith("documents/")]
        documents = [yaml.safe_load(text) for text in texts]
        for document in documents:
            document["spec"]["interval"] = "2s"
            for entry in document["spec"].get("bmc", {}).get("hosts", []):
                del entry["addresses"]
                entry["address"] = self._host
        return documents

    def secrets(self, password: str | None = None) -> list[dict[str, Any]]:
        """Return the Secrets of the machines, with another password if one is given."""
        secrets: dict[str, dict[str, str]] = {}
        for path, text in self._files.items():
            folder, _, key = path.removeprefix("secrets/").partition("/")
            if path.startswith("secrets/"):
                other = password if key.lower().endswith("password") else None
                secrets.setdefault(folder, {})[key] = other or text
        return [
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": keys}
            for name, keys in secrets.items()
        ]

    def watts(self) -> tuple[float, float]:
        """Return the minimum and maximum of its watts in the last seconds, as the simulator has them."""
        now_s = int(time.time())
        moments = range(now_s - OLDEST_S, now_s + 1)
        drawn = [[machine.watts(moment) for moment in moments] for machine in self._machines]
        return sum(map(min, drawn)) - ROUNDED_WATTS, sum(map(max, drawn)) + ROUNDED_WATTS


def _pod() -> dict[str, Any]:
    container = {
        "name": "simulator",
        "image": f"rackwatt/collector:{version('rackwatt')}",
        "args": ["simulate", "--nodes=3", "--address=$(ADDRESS)", "--directory=/fleet"],
        "env": [{"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "volumeMounts": [{"name": "fleet", "mountPath": "/fleet"}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": NAME, "labels": {"app": NAME}},
        "spec": {"containers": [container], "volumes": [{"name": "fleet", "emptyDir": {}}]},
    }


def _service() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NAME},
        "spec": {"clusterIP": "None", "selector": {"app": NAME}},
    }


def _complete(files: dict[str, str]) -> dict[str, str]:
    return files if "secrets/bmc-ca/ca.crt" in files else {}
