"""Manifests on a real API server: it accepts every field, and admits the pods."""

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
from tests.cluster.clients import Api
from tests.cluster.cluster import Cluster
from tests.cluster.fixtures import new_namespace
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
    """Return the path of an object."""
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
    live: Manifest = reply.json()
    return live


def moved(manifests: list[Manifest], namespace: str) -> list[Manifest]:
    """Return manifests in the test's own namespace, without owner references."""
    for one in manifests:
        one["metadata"]["namespace"] = namespace
        one["metadata"].pop("ownerReferences", None)
    return manifests


def differences(ours: Any, theirs: Any, where: str = "") -> Iterator[str]:
    """Return the fields of a manifest that the API server has with another value."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            yield from differences(value, theirs.get(key), f"{where}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for place, value in enumerate(ours):
            yield from differences(value, theirs[place], f"{where}[{place}]")
    elif ours not in (theirs, {}):
        yield f"{where}: {ours!r} became {theirs!r}"


def test_the_api_server_keeps_every_field_of_a_manifest(api: Api, namespace: str) -> None:
    manifests = [one for case in CASES for one in planned(case.read_text())]
    for one in moved(manifests, namespace):
        first = apply(api, one)
        assert list(differences(one, first)) == []
        assert written(apply(api, one)) == written(first)


def written(live: Manifest) -> Any:
    """Return the version of an object, which writes of its status do not change."""
    metadata = live["metadata"]
    if live["kind"] == "PersistentVolumeClaim":  # it has no generation, and its phase is written
        return live["spec"]
    return metadata.get("generation") or metadata["resourceVersion"]


@settings(max_examples=25)
@given(raw=DOCUMENTS)
def test_the_api_server_accepts_the_manifests_of_any_document(
    api: Api, raw: dict[str, Any]
) -> None:
    raw["metadata"]["namespace"] = "default"
    document = parse_document(raw, "drawn").document
    assert document is not None
    made = plan(raw, document, Facts(), Defaults())
    assert not isinstance(made, BuildFailure)
    for one in made:
        apply(api, one, dryRun="All")


def test_the_api_server_rejects_an_unknown_field(api: Api, namespace: str) -> None:
    (one, *_) = moved(planned(fleet()), namespace)
    with pytest.raises(AssertionError, match="field not declared in schema"):
        apply(api, one | {"unheardOf": 1})


def admission(cluster: Cluster, level: str, manifests: list[Manifest]) -> str:
    """Create the pod of manifests by a dry run where a level is enforced; return the error, or "".

    Each time in a namespace that has had its label from the start: admission learns of a later one
    when its informer does.
    """
    with new_namespace(cluster, {"pod-security.kubernetes.io/enforce": level}) as namespace:
        account, *_ = placed = moved(manifests, namespace)
        (pod,) = pods(placed)
        whole = {"apiVersion": "v1", "kind": "Pod", **pod}
        whole["metadata"] = pod["metadata"] | {"name": "collector"}
        with Api(cluster) as api:
            apply(api, account)
            there = f"/api/v1/namespaces/{namespace}/pods"
            reply = api.client.post(there, params={"dryRun": "All"}, json=whole)
            if reply.status_code == httpx.codes.FORBIDDEN:
                return str(reply.json()["message"])
            assert reply.is_success, reply.text
            return ""


@pytest.mark.parametrize("text", [fleet(), GRID, binding()], ids=["bmc", "grid", "scheduler"])
def test_pod_security_restricted_admits_collectors_outside_nodes(
    text: str, cluster: Cluster
) -> None:
    assert admission(cluster, "restricted", planned(text)) == ""


@pytest.mark.parametrize(
    "tested",
    [
        HostRequirements("all"),
        HostRequirements("all", root=True, reasons={"root": "why"}),
        HostRequirements(
            "all", root=True, privileged=True, reasons={"root": "a", "privileged": "b"}
        ),
        HostRequirements("all", capabilities=("CHOWN",), reasons={"capabilities": "why"}),
        HostRequirements("all", capabilities=("SYS_PTRACE",), reasons={"capabilities": "why"}),
        HostRequirements("all", host_pid=True, reasons={"host_pid": "why"}),
        HostRequirements("all", host_network=True, reasons={"host_network": "why"}),
        HostRequirements("all", host_paths={"/sys": "/host/sys"}, reasons={"host_paths": "why"}),
    ],
    ids=[
        "nothing",
        "root",
        "privileged",
        "CHOWN",
        "SYS_PTRACE",
        "host_pid",
        "host_network",
        "host_paths",
    ],
)
def test_the_pod_security_level_is_the_strictest_that_admits_the_pod(
    tested: HostRequirements, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements = {**needs.REQUIREMENTS, "tested": tested}
    monkeypatch.setattr("rackwatt_crds.node.collectors.REQUIREMENTS", requirements)
    document = PowerTarget(
        metadata=Metadata(name="nodes", namespace="power"),
        spec=PowerTargetSpec(node=Node(collectors=["tested"])),
    )
    manifests = plan({"spec": {}}, document, Facts(), Defaults())
    assert not isinstance(manifests, BuildFailure)
    expected = privileges.privileges(document, {}).level
    admitted = [not admission(cluster, level, manifests) for level in LEVELS]
    assert admitted == [LEVELS.index(level) >= LEVELS.index(expected) for level in LEVELS]


def test_check_names_every_violation_of_a_collector_inside_nodes(
    cluster: Cluster,
) -> None:
    description = admission(cluster, "restricted", planned(nodes()))
    for word in ("hostPath", "runAsUser=0", "runAsNonRoot"):
        assert word in description
    assert "capabilities" not in description
