"""An exporter and what the operator would create for its resources, and Prometheus over both."""

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

_OPERATOR = Path(sys.executable).parent / "rackwatt-operator"
_INTERVAL = "15s"


@dataclass(frozen=True)
class Site:
    """An exporter at an address, and the directory of its resources."""

    namespace: str
    documents: Path
    address: str

    @cached_property
    def _manifests(self) -> list[dict[str, Any]]:
        command: list[str | Path] = [
            _OPERATOR,
            "render",
            f"--namespace={self.namespace}",
            self.documents,
        ]
        return list(yaml.safe_load_all(subprocess.check_output(command)))

    @property
    def rules(self) -> list[dict[str, Any]]:
        """The groups of rules, as a file of Prometheus has them."""
        specs = [one["spec"] for one in self._manifests if one["kind"] == "PrometheusRule"]
        return [group for spec in specs for group in spec["groups"]]

    @property
    def scrapes(self) -> list[dict[str, Any]]:
        """A scrape for each ServiceMonitor, with the labels that it would give."""
        monitors = [one for one in self._manifests if one["kind"] == "ServiceMonitor"]
        return [self._scrape(one["metadata"]["name"]) for one in monitors]

    def dashboard(self, name: str) -> dict[str, Any]:
        """Return a dashboard by the name of its file."""
        files = [one.get("data", {}) for one in self._manifests if one["kind"] == "ConfigMap"]
        (text,) = [data[f"{name}.json"] for data in files if f"{name}.json" in data]
        model: dict[str, Any] = json.loads(text)
        return model

    def _scrape(self, service: str) -> dict[str, Any]:
        labels = {"namespace": self.namespace, "service": service, "pod": f"{service}-0"}
        return {
            "job_name": f"{self.namespace}/{service}",
            "honor_labels": True,
            "static_configs": [{"targets": [self.address], "labels": labels | {"job": service}}],
        }


def configuration(directory: Path, sites: Iterable[Site]) -> dict[str, Any]:
    """Configure Prometheus with the rules that the operator would create, and their labels."""
    rules, scrapes = [], []
    for number, site in enumerate(sites):
        path = directory / f"rules-{number}.yaml"
        path.write_text(yaml.safe_dump({"groups": site.rules}))
        rules.append(str(path))
        scrapes += site.scrapes
    return {
        "global": {"scrape_interval": _INTERVAL, "evaluation_interval": _INTERVAL},
        "rule_files": rules,
        "scrape_configs": scrapes,
    }
