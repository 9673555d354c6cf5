"""The chart as rendered by Helm, decoded; duplicate keys are an error."""

import functools
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from scripts.tools import directory

CHART = Path(__file__).parents[2] / "charts/rackwatt"
NAMESPACE = "power"
KUBERNETES = "1.36.0"
MONITORING = ("--api-versions=monitoring.coreos.com/v1/ServiceMonitor",)

Manifest = dict[str, Any]


class RefusedError(Exception):
    """What Helm said when it refused the values."""


class Rendered(dict[tuple[str, str], Manifest]):
    """The manifests by kind and name."""

    def only(self, kind: str) -> Manifest:
        """Give the one manifest of a kind."""
        (found,) = self.every(kind)
        return found

    def every(self, kind: str) -> list[Manifest]:
        """Give all manifests of a kind."""
        return [manifest for (known, _), manifest in self.items() if known == kind]

    @property
    def pod(self) -> Manifest:
        """Give the spec of the operator's pod."""
        spec: Manifest = self.only("Deployment")["spec"]["template"]["spec"]
        return spec

    @property
    def container(self) -> Manifest:
        """Give the operator's container."""
        (container,) = self.pod["containers"]
        return dict(container)


def rendered(values: Mapping[str, Any] | None = None, *flags: str, chart: Path = CHART) -> Rendered:
    """Render the chart, or one that has it as a dependency, as the release `rackwatt`.

    Raises:
        RefusedError: the values are refused, with Helm's words.
    """
    helm = directory() / "helm"
    assert helm.exists(), "helm is missing: make tools"
    done = subprocess.run(
        [helm, "template", "rackwatt", chart, f"--namespace={NAMESPACE}", "--values=-",
         f"--kube-version={KUBERNETES}", *flags],
        input=yaml.safe_dump(dict(values or {})), capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RefusedError(done.stderr)
    found = Rendered()
    for manifest in _documents(done.stdout):
        key = manifest["kind"], manifest["metadata"]["name"]
        namespace = manifest["metadata"].get("namespace", "")
        if key in found:  # the same name in another namespace
            key = manifest["kind"], f"{namespace}/{key[1]}"
        assert key not in found, key
        found[key] = manifest
    return found


@functools.cache
def plain() -> Rendered:
    """Render the chart with no value changed, where there is Prometheus Operator."""
    return rendered({}, *MONITORING)


def _documents(text: str) -> Iterator[Manifest]:
    # yaml.load with a SafeLoader of our own is as safe as yaml.safe_load.
    yield from filter(None, yaml.load_all(text, Loader=_Loader))


class _Loader(yaml.SafeLoader):
    """YAML in which no key may stand twice: Helm 4's server-side apply refuses what has one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"duplicate key: {keys}{node.start_mark}"
        return super().construct_mapping(node, deep)
