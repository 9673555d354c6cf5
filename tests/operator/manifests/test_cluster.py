"""The plan before a real API server: it takes every manifest as it is, and admits the pods."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import given, settings

from rackwatt_crds.document import Metadata, PowerTarget
from rackwatt_crds.loading import parse_document
from rackwatt_crds.node import requirements as needs
from rackwatt_crds.node.collectors import Node
from rackwatt_crds.node.requirements import HostRequirements
from rackwatt_crds.powertarget import PowerTargetSpec
from rackwatt_operator.manifests import privileges
from rackwatt_operator.manifests.build import plan
from rackwatt_operator.manifests.defaults import Defaults
from rackwatt_operator.manifests.params import BuildFailure, Facts
from tests.cluster import monitoring
from tests.cluster.clients import Api, Kubectl
from tests.cluster.cluster import Cluster
from tests.operator.manifests.builders import Manifest, binding, fleet, nodes, planned, pods
from tests.operator.manifests.golden import CASES
from tests.operator.manifests.strategies import DOCUMENTS

GRID = fleet(name="grid").replace(
    "bmc: {method: fake, hosts: [{names: n1}]}",
    "grid: {zone: FR, static: {gramsPerKilowattHour: 56}}",
)
LEVELS = ("restricted", "baseline", "privileged")


@pytest.fixture(scope="module")
def api(cluster: Cluster) -> Iterator[Api]:
    with monitoring.installed(cluster), Api(cluster) as client:
        yield client


def path(manifest: Manifest) -> str:
    """Say where an object is."""
    version, metadata = manifest["apiVersion"], manifest["metadata"]
    kind = manifest["kind"].lower()
    plural = f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s"
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    return f"{root}/namespaces/{metadata['namespace']}/{plural}/{metadata['name']}"


def apply(api: Api, manifest: Manifest, **parameters: str) -> Manifest:
    """Apply as the operator does; unknown and doubled fields are refused."""
    reply = api.client.patch(
        path(manifest),
        params={"fieldManager": "rackwatt-operator", "force": "true"}
        | {"fieldValidation": "Strict"}
        | parameters,
        headers={"Content-Type": "application/apply-patch+yaml"},
        json=manifest,
    )
    assert reply.is_success, f"{path(manifest)}: {reply.text}"
    found: Manifest = reply.json()
    return found


def moved(manifests: list[Manifest], namespace: str) -> list[Manifest]:
    """Put manifests into a namespace of the test's own; nobody owns them there."""
    for one in manifests:
        one["metadata"]["namespace"] = namespace
        one["metadata"].pop("ownerReferences", None)
    return manifests


def differences(ours: Any, theirs: Any, where: str = "") -> Iterator[str]:
    """Name what of ours the API server has otherwise."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            yield from differences(value, theirs.get(key), f"{where}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for place, value in enumerate(ours):
            yield from differences(value, theirs[place], f"{where}[{place}]")
    elif ours not in (theirs, {}):
        yield f"{where}: {ours!r} became {theirs!r}"


def test_an_api_server_keeps_every_field_as_it_was_planned(api: Api, namespace: str) -> None:
    manifests = [one for case in CASES for one in planned(case.read_text())]
    for one in moved(manifests, namespace):
        first = apply(api, one)
        assert list(differences(one, first)) == []
        assert written(apply(api, one)) == written(first)


def written(found: Manifest) -> Any:
    """Tell which writing of an object this is; controllers that write its status count for none."""
    metadata = found["metadata"]
    return metadata.get("generation") or metadata["resourceVersion"]


@settings(max_examples=25)
@given(raw=DOCUMENTS)
def test_an_api_server_takes_whatever_documents_come_to(api: Api, raw: dict[str, Any]) -> None:
    raw["metadata"]["namespace"] = "default"
    document = parse_document(raw, "drawn").document
    assert document is not None
    made = plan(raw, document, Facts(), Defaults())
    assert not isinstance(made, BuildFailure)
    for one in made:
        apply(api, one, dryRun="All")


def test_a_field_that_nobody_knows_would_have_been_refused(api: Api, namespace: str) -> None:
    (one, *_) = moved(planned(fleet()), namespace)
    with pytest.raises(AssertionError, match="field not declared in schema"):
        apply(api, one | {"unheardOf": 1})


def admission(cluster: Cluster, namespace: str, level: str, pod: Manifest) -> str:
    """Ask an API server to create a pod in a namespace that enforces a level; "" when it does."""
    label = f"pod-security.kubernetes.io/enforce={level}"
    Kubectl(cluster).run("label", "--overwrite", "namespace", namespace, label)
    whole = {"apiVersion": "v1", "kind": "Pod", **pod}
    whole["metadata"] = pod["metadata"] | {"name": "collector"}
    with Api(cluster) as api:
        there = f"/api/v1/namespaces/{namespace}/pods"
        reply = api.client.post(there, params={"dryRun": "All"}, json=whole)
        if reply.status_code == httpx.codes.FORBIDDEN:
            return str(reply.json()["message"])
        assert reply.is_success, reply.text
        return ""


@pytest.mark.parametrize("text", [fleet(), GRID, binding()], ids=["bmc", "grid", "scheduler"])
def test_collectors_outside_nodes_run_where_pod_security_is_strictest(
    text: str, cluster: Cluster, namespace: str, api: Api
) -> None:
    manifests = moved(planned(text), namespace)
    apply(api, manifests[0])  # its ServiceAccount
    (pod,) = pods(manifests)
    assert admission(cluster, namespace, "restricted", pod) == ""


@pytest.mark.parametrize(
    "asked",
    [
        HostRequirements("all"),
        HostRequirements("all", root=True, reasons={"root": "why"}),
        HostRequirements("all", capabilities=("CHOWN",), reasons={"capabilities": "why"}),
        HostRequirements("all", capabilities=("SYS_PTRACE",), reasons={"capabilities": "why"}),
        HostRequirements("all", host_pid=True, reasons={"host_pid": "why"}),
        HostRequirements("all", host_network=True, reasons={"host_network": "why"}),
        HostRequirements("all", host_paths={"/sys": "/host/sys"}, reasons={"host_paths": "why"}),
    ],
    ids=["nothing", "root", "CHOWN", "SYS_PTRACE", "host_pid", "host_network", "host_paths"],
)
def test_the_level_told_is_the_strictest_that_admits_the_pod(
    asked: HostRequirements,
    cluster: Cluster,
    namespace: str,
    api: Api,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    catalogue = {**needs.REQUIREMENTS, "asked": asked}
    monkeypatch.setattr(privileges, "REQUIREMENTS", catalogue)
    document = PowerTarget(
        metadata=Metadata(name="nodes", namespace=namespace),
        spec=PowerTargetSpec(node=Node(collectors=["asked"])),
    )
    manifests = plan({"spec": {}}, document, Facts(), Defaults())
    assert not isinstance(manifests, BuildFailure)
    apply(api, manifests[0])
    (pod,) = pods(manifests)
    description = privileges.privileges(document, {}).level
    admitted = [not admission(cluster, namespace, level, pod) for level in LEVELS]
    assert admitted == [LEVELS.index(level) >= LEVELS.index(description) for level in LEVELS]


def test_what_forbids_a_collector_inside_nodes_is_what_check_names(
    cluster: Cluster, namespace: str, api: Api
) -> None:
    manifests = moved(planned(nodes()), namespace)
    apply(api, manifests[0])
    (pod,) = pods(manifests)
    description = admission(cluster, namespace, "restricted", pod)
    for word in ("hostPath", "runAsUser=0", "runAsNonRoot"):
        assert word in description
    assert "capabilities" not in description
