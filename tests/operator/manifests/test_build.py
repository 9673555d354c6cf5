import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import assume, given

from rackwatt_crds.decoding import InvalidItem
from rackwatt_crds.document import Document, PowerTarget
from rackwatt_crds.loading import load, parse_document
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec
from rackwatt_crds.schedulers.exporter import Exporter
from rackwatt_operator.kube.constants import MANAGED_BY, MANAGER
from rackwatt_operator.manifests import labels
from rackwatt_operator.manifests.build import plan
from rackwatt_operator.manifests.defaults import Defaults
from rackwatt_operator.manifests.params import BuildFailure, Facts
from rackwatt_operator.manifests.web import served_from
from tests.operator.manifests.builders import Manifest, binding, fleet, of_kind, only, planned, pods
from tests.operator.manifests.golden import CASES
from tests.operator.manifests.strategies import DOCUMENTS, turned

SPEC = SchedulerBindingSpec(cluster="c", exporter=Exporter(url="http://elsewhere:9123"))
FACTS = Facts(bindings={"prod": SPEC, "a.b": SPEC})
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?\Z")


def document(raw: dict[str, Any]) -> Document:
    loaded = parse_document(raw, "drawn")
    assert loaded.document is not None, loaded.problems
    return loaded.document


def made(raw: dict[str, Any], facts: Facts = FACTS) -> list[Manifest]:
    manifests = plan(raw, document(raw), facts, Defaults())
    assert not isinstance(manifests, BuildFailure)
    return manifests


@given(DOCUMENTS)
def test_build_is_deterministic_in_any_order_of_fields(
    raw: dict[str, Any],
) -> None:
    before = json.dumps(raw)
    other = Facts(bindings=dict(reversed(list(FACTS.bindings.items()))))
    assert made(raw) == made(turned(raw), other) == made(raw)
    assert json.dumps(raw) == before


def test_build_is_deterministic_across_processes() -> None:
    description = set()
    for seed in ("1", "2", "3"):  # sets are gone through in another order
        environment = os.environ | {"PYTHONHASHSEED": seed}
        command = [sys.executable, "-m", "rackwatt_operator", "render", *map(str, CASES)]
        done = subprocess.run(command, env=environment, capture_output=True, check=True)
        description.add(done.stdout)
    assert len(description) == 1
    assert description.pop().count(b"kind: Deployment") > len(CASES)


@given(DOCUMENTS)
def test_manifests_have_unique_names_namespace_labels_and_owner(
    raw: dict[str, Any],
) -> None:
    manifests = made(raw)
    assert len({(one["kind"], one["metadata"]["name"]) for one in manifests}) == len(manifests)
    for one in manifests:
        metadata = one["metadata"]
        assert metadata["namespace"] == "power"
        assert (
            metadata["labels"].items()
            >= {
                labels.NAME: labels.COLLECTOR,
                MANAGED_BY: MANAGER,
                labels.PART_OF: "rackwatt",
            }.items()
        )
        assert all(LABEL_VALUE.match(value) for value in metadata["labels"].values())
        assert _owner(metadata) == _expected_owner(raw)
        json.dumps(one, allow_nan=False)


def _owner(metadata: dict[str, Any]) -> Any:
    owners = metadata.get("ownerReferences")
    return owners[0] if owners else None


def _expected_owner(raw: dict[str, Any]) -> Any:
    if "uid" not in raw["metadata"]:
        return None
    return {
        "apiVersion": "rackwatt.dev/v1alpha1",
        "kind": raw["kind"],
        "name": raw["metadata"]["name"],
        "uid": raw["metadata"]["uid"],
        "controller": True,
    }


@given(DOCUMENTS)
def test_selectors_match_their_own_pods_and_no_others(raw: dict[str, Any]) -> None:
    manifests = made(raw)
    running = [pod["metadata"]["labels"] for pod in pods(manifests)]
    workloads = of_kind(manifests, "Deployment") + of_kind(manifests, "DaemonSet")
    for workload, own in zip(workloads, running, strict=True):
        chosen = workload["spec"]["selector"]["matchLabels"]
        assert [pod for pod in running if chosen.items() <= pod.items()] == [own]
    for selector in _whole_selectors(manifests):
        assert all(selector.items() <= pod.items() for pod in running)
    (service,) = of_kind(manifests, "Service")
    for monitor in of_kind(manifests, "ServiceMonitor"):
        chosen = monitor["spec"]["selector"]["matchLabels"]
        assert chosen.items() <= service["metadata"]["labels"].items()


def _whole_selectors(manifests: list[Manifest]) -> list[dict[str, str]]:
    selectors = [only(manifests, "Service")["spec"]["selector"]]
    selectors.append(only(manifests, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"])
    budgets = of_kind(manifests, "PodDisruptionBudget")
    return selectors + [one["spec"]["selector"]["matchLabels"] for one in budgets]


@given(DOCUMENTS, DOCUMENTS)
def test_manifests_of_two_documents_share_no_name_and_no_pod(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    assume(_key(first) != _key(second))
    ours, theirs = made(first), made(second)
    names = [{(one["kind"], one["metadata"]["name"]) for one in part} for part in (ours, theirs)]
    assert not names[0] & names[1]
    selector = only(ours, "Service")["spec"]["selector"]
    for pod in pods(theirs):
        assert not selector.items() <= pod["metadata"]["labels"].items()


def _key(raw: dict[str, Any]) -> tuple[str, str]:
    return raw["kind"], raw["metadata"]["name"]


@given(DOCUMENTS)
def test_collectors_read_the_document_its_author_wrote(raw: dict[str, Any]) -> None:
    config = of_kind(made(raw), "ConfigMap")[0]
    loaded = load(config["data"]["documents.yaml"].encode(), "documents.yaml")
    own, *derived = [one.document for one in loaded]
    assert own == document({key: value for key, value in raw.items() if key != "status"})
    assert [one.problems for one in loaded[1:]] == [()] * len(derived)


@given(DOCUMENTS)
def test_manifests_name_a_secret_only_in_volumes_and_in_the_document(raw: dict[str, Any]) -> None:
    for one in made(raw):
        if "documents.yaml" in one.get("data", {}):
            continue
        if one["kind"] in ("Deployment", "DaemonSet"):
            spec = one["spec"]["template"]["spec"]
            mounts = spec["containers"][0].pop("volumeMounts")
            volumes = spec.pop("volumes")
            secrets = [volume["secret"] for volume in volumes if "secret" in volume]
            needed = {one["secretName"] for one in secrets if not one["optional"]}
            assert needed == set(served_from(document(raw).spec.web))
            assert "registry" not in json.dumps(volumes)
            assert {v["name"] for v in volumes} == {m["name"] for m in mounts}
        assert "secret.of" not in json.dumps(one)
        assert "secret-of" not in json.dumps(one)


def test_build_refuses_a_document_too_large_for_a_config_map_with_a_remedy() -> None:
    addresses = ",".join(f"10.{i}.0.1" for i in range(25))
    names = ",".join(f"n{i}" for i in range(25))
    hosts = [{"names": names, "addresses": addresses}] * 4000
    raw = {
        "apiVersion": "rackwatt.dev/v1alpha1",
        "kind": "PowerTarget",
        "metadata": {"name": "lab"},
        "spec": {"bmc": {"hosts": hosts}},
    }
    failure = plan(raw, document(raw), Facts(), Defaults())
    assert isinstance(failure, BuildFailure)
    assert failure.reason == "DocumentTooLarge"
    assert "KiB and a ConfigMap holds 1024 KiB" in failure.message
    assert "split" in failure.message


def test_build_keeps_valid_entries_beside_one_that_cannot_be_decoded() -> None:
    raw = {
        "apiVersion": "rackwatt.dev/v1alpha1",
        "kind": "PowerTarget",
        "metadata": {"name": "lab", "namespace": "power"},
        "spec": {"bmc": {"method": "fake", "hosts": [{"names": 3}, {"names": "n1"}]}},
    }
    loaded = parse_document(raw, "api")
    assert isinstance(loaded.document, PowerTarget)
    assert loaded.document.spec.bmc is not None
    assert isinstance(loaded.document.spec.bmc.hosts[0], InvalidItem)
    assert of_kind(made(raw), "Deployment")


def test_build_derives_a_remote_binding_with_the_same_names_and_interval() -> None:
    text = fleet("schedulerRef: {name: prod}") + "---\n"
    slow = binding("noop: {}, nodeName: short, interval: 5m, staleAfter: 20m")
    config = of_kind(planned(text + slow), "ConfigMap")[0]
    _, derived = load(config["data"]["documents.yaml"].encode(), "documents.yaml")
    assert derived.document is not None
    assert derived.document.spec == SchedulerBindingSpec(
        cluster="c",
        node_name="short",
        interval="5m",
        stale_after="20m",
        exporter=Exporter(url="http://sb-prod.power.svc:9123"),
    )


@pytest.mark.parametrize("monitoring", [(), ("ServiceMonitor",), ("PrometheusRule",)])
def test_build_omits_kinds_that_the_api_server_does_not_have(monitoring: tuple[str, ...]) -> None:
    kinds = {one["kind"] for one in planned(fleet(), monitoring=monitoring)}
    assert kinds & {"ServiceMonitor", "PrometheusRule"} == set(monitoring)


def test_build_orders_manifests_by_dependency() -> None:
    kinds = [
        one["kind"] for one in planned(fleet(bmc="shards: 2, method: fake, hosts: [{names: a}]"))
    ]
    assert kinds == [
        "ServiceAccount", "ConfigMap", "NetworkPolicy", "Service", "Deployment", "Deployment",
        "PodDisruptionBudget", "ServiceMonitor", "PrometheusRule", "ConfigMap",
    ]  # fmt: skip
