"""The CRDs on a real API server: validation, defaults, explanations and columns."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import yaml

from rackwatt_crds.document import API_VERSION, KINDS
from rackwatt_crds.status import (
    Condition,
    FailingTarget,
    PowerTargetStatus,
    SchedulerBindingStatus,
    TargetCounts,
)
from tests.cluster import documents
from tests.cluster.clients import Api, CommandError, Kubectl, Manifest
from tests.cluster.cluster import Cluster
from tests.crds.invalid_documents import BROKEN, NODE, Broken, Spec, fleet

EXAMPLES = sorted((Path(__file__).parents[2] / "docs/examples").glob("*.yaml"))
PLURAL = {"PowerTarget": "powertargets", "SchedulerBinding": "schedulerbindings"}
NOOP: Spec = {"cluster": "prod", "noop": {}}


@pytest.fixture(scope="module", autouse=True)
def installed(cluster: Cluster) -> None:
    documents.install(cluster)


@pytest.fixture
def kubectl(cluster: Cluster, namespace: str) -> Kubectl:
    return Kubectl(cluster, namespace)


@pytest.fixture(scope="module")
def api(cluster: Cluster) -> Iterator[Api]:
    with Api(cluster) as api:
        yield api


def document(spec: Spec, kind: str = "PowerTarget", name: str = "a") -> Manifest:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


def place(namespace: str, given: Manifest) -> str:
    return f"/apis/{API_VERSION}/namespaces/{namespace}/{PLURAL[given['kind']]}"


def create(api: Api, namespace: str, given: Manifest) -> httpx.Response:
    """Create a document, as strictly as kubectl does."""
    strict = {"fieldValidation": "Strict"}
    return api.client.post(place(namespace, given), params=strict, json=given)


def apply(api: Api, path: str, given: Manifest, manager: str = "tests") -> httpx.Response:
    """Apply on the server's side, taking away what the manager said before and says no more."""
    return api.client.patch(
        path,
        params={"fieldManager": manager, "fieldValidation": "Strict"},
        content=json.dumps(given),
        headers={"Content-Type": "application/apply-patch+yaml"},
    )


def applied(api: Api, namespace: str, given: Manifest, manager: str = "tests") -> httpx.Response:
    """Apply a document."""
    return apply(api, f"{place(namespace, given)}/{given['metadata']['name']}", given, manager)


def taken(answer: httpx.Response) -> Manifest:
    assert answer.is_success, answer.text
    stored: Manifest = answer.json()
    return stored


def refused(answer: httpx.Response) -> str:
    assert answer.is_client_error, answer.text
    return str(answer.json()["message"])


def test_the_crds_are_applied_again_without_a_warning(cluster: Cluster) -> None:
    assert documents.install(cluster).count("serverside-applied") == 2
    crds = Kubectl(cluster).items("crds", "--selector=app.kubernetes.io/part-of=rackwatt")
    for crd in crds:
        conditions = {one["type"]: one["status"] for one in crd["status"]["conditions"]}
        assert conditions == {
            "NamesAccepted": "True",
            "Established": "True",
        }  # no NonStructuralSchema
    assert len(crds) == 2


def test_the_examples_are_applied_as_they_are(kubectl: Kubectl) -> None:
    folder = EXAMPLES[0].parent
    kubectl.run("apply", "--server-side", f"--filename={folder}")
    kubectl.run("apply", f"--filename={folder}")  # as many people still do
    found = {(one["kind"], one["metadata"]["name"]) for one in kubectl.items("rackwatt")}
    written = [one for path in EXAMPLES for one in yaml.safe_load_all(path.read_text())]
    assert found == {(one["kind"], one["metadata"]["name"]) for one in written}


NOW = [one for one in BROKEN if one.before is None]
THEN = [one for one in BROKEN if one.before is not None]


def expect_violation(message: str, broken: Broken) -> None:
    assert message.endswith(f": {broken.text}"), message
    assert f"{broken.path}: Invalid value" in message


@pytest.mark.parametrize("broken", NOW, ids=lambda one: f"{one.path}: {one.text}")
def test_a_broken_rule_is_refused_with_its_own_message(api: Api, broken: Broken) -> None:
    expect_violation(refused(create(api, "default", document(broken.spec, broken.kind))), broken)


@pytest.mark.parametrize("broken", THEN, ids=lambda one: f"{one.path}: {one.text}")
def test_an_immutable_field_is_rejected_with_its_own_message(
    api: Api, namespace: str, broken: Broken
) -> None:
    assert broken.before is not None
    taken(applied(api, namespace, document(broken.before, broken.kind)))
    expect_violation(refused(applied(api, namespace, document(broken.spec, broken.kind))), broken)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (fleet({"names": "a"}, intervall="1s"), 'unknown field "spec.intervall"'),
        (fleet({"names": "a", "adress": "b"}), 'unknown field "spec.bmc.hosts[0].adress"'),
        (fleet({"names": "a"}, interval="soon"), "spec.interval: Invalid value"),
        (fleet({"names": "a", "ipmi": {"port": 0}}), "ipmi.port: Invalid value: 0"),
        (fleet({"names": "a", "method": "impi"}), 'method: Unsupported value: "impi"'),
        (fleet({"names": "a"}, schedulerRef={}), "spec.schedulerRef.name: Required value"),
        (fleet(), "spec.bmc.hosts in body should have at least 1 items"),
        ({"node": {"collectors": ["cpu", "cpu"]}}, 'collectors[1]: Duplicate value: "cpu"'),
        *(
            (
                fleet({"names": "a", method: {"sensors": ["A", "B", "A"]}}),
                f'hosts[0].{method}.sensors[2]: Duplicate value: "A"',
            )
            for method in ("ipmi", "ipmiSsh", "redfish")
        ),
        (
            {**NODE, "pod": {"imagePullSecrets": [{"name": "a"}, {"name": "a"}]}},
            'spec.pod.imagePullSecrets[1]: Duplicate value: {"name":"a"}',
        ),
    ],
)
def test_an_invalid_document_is_rejected_with_its_path(api: Api, spec: Spec, message: str) -> None:
    assert message in refused(create(api, "default", document(spec)))


def test_an_unknown_field_is_dropped_where_validation_is_off(
    cluster: Cluster, kubectl: Kubectl
) -> None:
    given = yaml.safe_dump(document({**NODE, "colour": "red"}))
    with pytest.raises(CommandError, match=r'unknown field "spec\.colour"'):
        kubectl.run("create", "--filename=-", said=given)
    kubectl.run("create", "--validate=ignore", "--filename=-", said=given)
    assert "colour" not in kubectl.get("pt", "a")["spec"]


def test_defaults_are_filled_in(api: Api, namespace: str) -> None:
    stored = taken(create(api, namespace, document(fleet({"names": "a", "rack": None}))))
    assert stored["spec"] == {**fleet({"names": "a"}), "paused": False} | {
        "bmc": {"method": "fake", "hosts": [{"names": "a"}], "shards": 1}
    }
    stored = taken(create(api, namespace, document(NOOP, "SchedulerBinding")))
    assert stored["spec"] == NOOP | {"interval": "30s", "timeout": "10s", "paused": False}


def test_a_scheduler_may_be_replaced_by_another(api: Api, namespace: str) -> None:
    taken(applied(api, namespace, document(NOOP, "SchedulerBinding")))
    slurm = {"cluster": "prod", "slurm": {"ssh": {"host": "login"}}}
    stored = taken(applied(api, namespace, document(slurm, "SchedulerBinding")))
    assert "noop" not in stored["spec"]


def test_two_managers_share_a_document_and_conflict_on_the_same_field(
    api: Api, namespace: str
) -> None:
    def say(manager: str, **spec: Any) -> httpx.Response:
        return applied(api, namespace, document(spec), manager)

    pulled = {"imagePullSecrets": [{"name": "one"}], "labels": {"a": "1"}}
    taken(say("fleet", **fleet({"names": "a"}), pod=pulled))
    pulled = {"imagePullSecrets": [{"name": "two"}], "labels": {"b": "2"}}
    watched = {"serviceMonitor": {"labels": {"release": "prometheus"}}}
    stored = taken(say("site", monitoring=watched, pod=pulled))["spec"]
    assert stored["pod"]["imagePullSecrets"] == [{"name": "one"}, {"name": "two"}]
    assert stored["pod"]["labels"] == {"a": "1", "b": "2"}
    message = refused(say("site", **fleet({"names": "b"})))
    assert 'conflict with "fleet"' in message
    assert ".spec.bmc.hosts" in message
    withdrawn = taken(say("site"))["spec"]
    assert withdrawn["pod"] == {"imagePullSecrets": [{"name": "one"}], "labels": {"a": "1"}}


def test_collectors_are_a_set_that_two_managers_add_to(api: Api, namespace: str) -> None:
    for manager, collector in (("one", "rapl"), ("two", "cpu")):
        given = document({"node": {"collectors": [collector]}})
        stored = taken(applied(api, namespace, given, manager))
    assert stored["spec"]["node"]["collectors"] == ["rapl", "cpu"]


def test_a_fleet_of_five_thousand_entries_is_taken(api: Api, namespace: str) -> None:
    hosts = [
        {"names": f"node{n:05}", "address": "{name}-bmc.example", "interval": "30s", "rack": "r1"}
        for n in range(5000)
    ]
    stored = taken(applied(api, namespace, document(fleet(*hosts))))
    assert len(stored["spec"]["bmc"]["hosts"]) == 5000
    hosts[4999]["addresses"] = "10.0.0.1"
    message = refused(applied(api, namespace, document(fleet(*hosts))))
    assert "spec.bmc.hosts[4999]: Invalid value" in message


def test_a_name_of_253_letters_is_taken_and_no_longer_one(api: Api, namespace: str) -> None:
    taken(create(api, namespace, document(NODE, name="n" * 253)))
    message = refused(create(api, namespace, document(NODE, name="n" * 254)))
    assert "must be no more than 253" in message


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("pt", ["What to measure: BMCs and PDUs over the network"]),
        (
            "pt.spec.bmc.hosts",
            ["The hosts of the fleet", "names <string> -required- Host list of node names"],
        ),
        ("pt.spec.monitoring.serviceMonitor.labels", ["such as `release: prometheus`"]),
        ("pt.spec.pod.tolerations", ["Taints that the pods tolerate"]),
        ("pt.status.conditions", ["The reason for people, and what to do about it"]),
        ("sb.spec.slurm.rest", ["REST API (slurmrestd)"]),
    ],
)
def test_kubectl_explains_every_field(kubectl: Kubectl, field: str, words: list[str]) -> None:
    explanation = " ".join(kubectl.until(lambda k: k.run("explain", field)).split())
    for word in words:
        assert word in explanation


def ready(status: Any, reason: str) -> Condition:
    return Condition(
        type="Ready",
        status=status,
        observed_generation=1,
        last_transition_time="2026-01-01T00:00:00Z",
        reason=reason,
        message="2 of 514 targets fail",
    )


FAILING = FailingTarget(node="n3", reason="auth_failed", message="no such user")
MEASURED = PowerTargetStatus(
    observed_generation=1,
    conditions=[ready("False", "TargetsFailing")],
    kind="bmc",
    method="ipmi,snmp",
    targets=TargetCounts(configured=514, reachable=512, failing=2),
    watts=183412,
    failing_targets=[FAILING],
)


def write_status(api: Api, namespace: str, kind: str, status: Any) -> httpx.Response:
    """Write the status of the document called a."""
    given = document({}, kind)
    del given["spec"]
    given["status"] = msgspec.to_builtins(status)
    return apply(api, f"{place(namespace, given)}/a/status", given, "rackwatt-operator")


def test_a_status_is_written_beside_the_document_and_shown(
    api: Api, kubectl: Kubectl, namespace: str
) -> None:
    spec = fleet({"names": "a"}, schedulerRef={"name": "prod"})
    taken(create(api, namespace, document(spec)))
    stored = taken(write_status(api, namespace, "PowerTarget", MEASURED))
    assert msgspec.convert(stored["status"], PowerTargetStatus) == MEASURED
    assert stored["metadata"]["generation"] == 1
    head, row = kubectl.run("get", "pt").splitlines()
    assert head.split() == ["NAME", "KIND", "METHOD", "TARGETS", "REACHABLE", "FAILING", "WATTS",
                            "READY", "REASON", "AGE"]  # fmt: skip
    assert row.split()[:9] == ["a", "bmc", "ipmi,snmp", "514", "512", "2", "183412",
                               "False", "TargetsFailing"]  # fmt: skip
    wide = kubectl.run("get", "pt", "--output=wide").splitlines()[1]
    assert wide.split(maxsplit=10)[10].split(maxsplit=3) == [
        "prod", "1", "false", "2 of 514 targets fail",
    ]  # fmt: skip


def test_a_binding_is_shown_with_its_nodes_and_waited_for(
    api: Api, kubectl: Kubectl, namespace: str
) -> None:
    taken(create(api, namespace, document(NOOP, "SchedulerBinding")))
    status = {
        "conditions": [msgspec.to_builtins(ready("True", "AllWell"))],
        "scheduler": "slurm/rest",
        "nodes": {"total": 512, "states": {"allocated": 498, "idle": 12, "down": 2}},
        "version": "24.11",
        "lastContact": "2026-01-01T00:00:00Z",
    }
    built = msgspec.convert(status, SchedulerBindingStatus)
    assert taken(write_status(api, namespace, "SchedulerBinding", built))["status"] == status
    kubectl.run("wait", "--for=condition=Ready", "--timeout=60s", "sb/a")
    head, row = kubectl.run("get", "sb", "--output=wide").splitlines()
    assert head.split() == ["NAME", "SCHEDULER", "CLUSTER", "NODES", "READY", "REASON", "AGE",
                            "VERSION", "CONTACT", "PAUSED", "MESSAGE"]  # fmt: skip
    assert row.split()[:6] == ["a", "slurm/rest", "prod", "512", "True", "AllWell"]


@pytest.mark.parametrize(
    "status",
    [
        {"failingTargets": [msgspec.to_builtins(FAILING)] * 11},
        {"targets": {"configured": -1, "reachable": 0, "failing": 0}},
        {"conditions": [{**msgspec.to_builtins(ready("True", "Well")), "status": "Degraded"}]},
        {"conditions": [{**msgspec.to_builtins(ready("True", "Well")), "reason": "not camel"}]},
        {"kind": "pdu"},
        {"lastTransition": "now"},
    ],
)
def test_a_status_that_is_none_is_refused(api: Api, namespace: str, status: Spec) -> None:
    taken(create(api, namespace, document(NODE)))
    assert write_status(api, namespace, "PowerTarget", status).is_error
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(status, PowerTargetStatus)


def test_every_kind_is_tested() -> None:
    assert set(PLURAL) == set(KINDS)
