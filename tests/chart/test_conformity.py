"""Every manifest conforms to the API server's schemas, by kubeconform and by the server."""

import copy
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.chart.matrix import MATRIX
from tests.chart.openapi import LOCATION, kinds, write_schemas
from tests.chart.rendering import CHART, Manifest
from tests.chart.test_rendering import chosen
from tests.cluster import documents, monitoring
from tests.cluster.clients import Api, Helm, Kubectl
from tests.cluster.cluster import Cluster


@pytest.fixture(scope="module")
def schemas(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("schemas")
    documents.install(cluster)
    with monitoring.installed(cluster), Api(cluster) as api:
        wanted = {"PowerTarget", "SchedulerBinding", "ServiceMonitor"}
        Kubectl(cluster).until(lambda _: wanted <= kinds(api))
        write_schemas(api, folder)
        yield folder


def kubeconform(cluster: Cluster, schemas: Path, manifests: list[Manifest]) -> str:
    done = subprocess.run(
        [cluster.tool("kubeconform"), "-strict", "-summary", f"-schema-location={schemas}/{LOCATION}"],
        input=yaml.safe_dump_all(manifests), capture_output=True, text=True,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_kubeconform_finds_nothing(cluster: Cluster, schemas: Path) -> None:
    manifests = [manifest for name in MATRIX for manifest in chosen(name).values()]
    summary = kubeconform(cluster, schemas, manifests)
    assert f"Summary: {len(manifests)} resources found" in summary
    assert "Invalid: 0, Errors: 0, Skipped: 0" in summary


def test_kubeconform_would_find_something(cluster: Cluster, schemas: Path) -> None:
    spoilt = [dict(one) for one in chosen("monitoring").values()]
    for manifest in spoilt:
        manifest["speck"] = {}
    summary = kubeconform(cluster, schemas, spoilt)
    assert f"Invalid: {len(spoilt)}" in summary


@pytest.mark.parametrize("name", ["two replicas", "monitoring", "pods", "another network"])
def test_the_server_would_take_it_field_by_field(
    cluster: Cluster, schemas: Path, namespace: str, name: str
) -> None:
    manifests = [
        copy.deepcopy(one)
        for one in chosen(name).values()
        if one["kind"] not in {"ClusterRole", "ClusterRoleBinding"}
    ]
    for manifest in manifests:
        manifest["metadata"]["namespace"] = namespace
    Kubectl(cluster, namespace).run(
        "apply", "--server-side", "--dry-run=server", "--validate=strict", "--filename=-",
        said=yaml.safe_dump_all(manifests),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "hinted"), [("nothing", True), ("monitoring", False)], ids=["no label", "a label"]
)
def test_where_prometheus_operator_is_it_is_made_use_of(
    cluster: Cluster, schemas: Path, namespace: str, values: str, hinted: bool
) -> None:
    notes = Helm(cluster, namespace).run(
        "install", "rackwatt", CHART, "--dry-run=server", "--values=-",
        said=yaml.safe_dump(MATRIX[values]),
    )  # fmt: skip
    assert "kind: ServiceMonitor" in notes
    assert ("--set monitoring.labels.release=NAME" in notes) is hinted
    assert "no Prometheus Operator" not in notes
