"""What each value is for: it arrives where it is meant to, and nowhere else."""

import json

import pytest

from rackwatt_operator.plan.layers import plain as spelled
from tests.chart.rendering import NAMESPACE, RefusedError, plain, rendered
from tests.chart.test_rendering import chosen, granted, read_defaults


def test_by_default_one_operator_watches_everything() -> None:
    whole = plain()
    assert whole.only("Deployment")["spec"]["replicas"] == 1
    assert not [one for one in whole.container["args"] if one.startswith("--namespace")]
    (binding,) = whole.every("ClusterRoleBinding")
    assert {"rackwatt.dev", "apps", "monitoring.coreos.com"} <= {
        group for rule in granted(whole, binding) for group in rule["apiGroups"]
    }
    assert whole.every("PodDisruptionBudget") == []


def test_with_some_namespaces_it_has_a_role_in_each_and_none_beyond() -> None:
    whole = chosen("some namespaces")
    assert whole.every("ClusterRoleBinding") == []
    assert {one["metadata"]["name"] for one in whole.every("ClusterRole")} == {
        "rackwatt-view",
        "rackwatt-edit",
    }
    bindings = whole.every("RoleBinding")
    assert {one["metadata"]["namespace"] for one in bindings} == {"power", "hpc"}
    everywhere = granted(plain(), plain().only("ClusterRoleBinding"))
    for binding in bindings:
        if not binding["metadata"]["name"].endswith("-lease"):
            assert granted(whole, binding) == everywhere
    assert {"--namespace=power", "--namespace=hpc"} <= set(whole.container["args"])


def test_several_operators_have_a_budget_and_a_lease_to_hold() -> None:
    whole = chosen("two replicas")
    assert whole.only("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1
    assert f"--lease.namespace={NAMESPACE}" in whole.container["args"]
    role = whole["Role", "rackwatt-operator-lease"]
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"create", "get", "update"}
    assert {name for rule in role["rules"] for name in rule.get("resourceNames", ())} == {
        "rackwatt-operator"
    }


def test_images_come_from_where_they_are_said_to_be() -> None:
    version = plain().container["image"].rpartition(":")[2]
    assert plain().container["image"] == f"rackwatt/operator:{version}"
    assert read_defaults(plain()).image.reference == f"rackwatt/collector:{version}"
    mirrored = chosen("a mirror")
    assert mirrored.container["image"] == "registry.example:5000/mirror/operator:2.0.0-rc.1"
    assert mirrored.container["imagePullPolicy"] == "Always"
    assert read_defaults(mirrored).image.reference == (
        "registry.example:5000/mirror/collector@sha256:" + "ab" * 32
    )


@pytest.mark.parametrize(
    ("name", "theirs"), [("a mirror", "mirror"), ("pull secrets of their own", "theirs")]
)
def test_collectors_open_the_registry_as_the_operator_does_unless_told(
    name: str, theirs: str
) -> None:
    assert chosen(name).pod["imagePullSecrets"] == [{"name": "mirror"}]
    pod = spelled(read_defaults(chosen(name)))["pod"]
    assert pod["imagePullSecrets"] == [{"name": theirs}]


def test_monitoring_labels_reach_every_monitor_and_rule() -> None:
    whole = chosen("monitoring")
    labels = whole.only("ServiceMonitor")["metadata"]["labels"]
    assert (labels["release"], labels["team"]) == ("kube-prometheus-stack", "infra")
    monitoring = spelled(read_defaults(whole))["monitoring"]
    assert monitoring["serviceMonitor"] == {
        "interval": "15s",
        "labels": {"release": "other", "tier": "bmc"},
    }
    assert monitoring["rules"] == {
        "enabled": False,
        "labels": {"release": "kube-prometheus-stack"},
    }
    assert monitoring["dashboards"] == {"annotations": {"grafana_folder": "Power"}}


@pytest.mark.parametrize(
    ("enabled", "flags", "made"),
    [
        ("auto", (), False),
        ("auto", ("--api-versions=monitoring.coreos.com/v1",), True),
        ("auto", ("--api-versions=monitoring.coreos.com/v1/ServiceMonitor",), True),
        (True, (), True),
        (False, ("--api-versions=monitoring.coreos.com/v1",), False),
    ],
)
def test_the_operator_is_monitored_where_that_is_possible(
    enabled: object, flags: tuple[str, ...], made: bool
) -> None:
    whole = rendered({"serviceMonitor": {"enabled": enabled}}, *flags)
    assert bool(whole.every("ServiceMonitor")) is made


def test_pods_are_placed_and_sized_as_told() -> None:
    whole, pod = chosen("pods"), chosen("pods").pod
    assert pod["priorityClassName"] == "system-cluster-critical"
    assert pod["nodeSelector"] == {
        "kubernetes.io/os": "linux",
        "node-role.kubernetes.io/control-plane": "",
    }
    assert pod["tolerations"][0]["operator"] == "Exists"
    assert pod["affinity"]["podAntiAffinity"]
    assert whole.container["resources"]["limits"] == {"memory": "512Mi"}
    metadata = whole.only("Deployment")["spec"]["template"]["metadata"]
    assert metadata["labels"]["team"] == "infra"
    assert metadata["annotations"]["example.org/why"] == "because"
    read = spelled(read_defaults(whole))
    assert read["logLevel"] == "debug"
    assert read["pod"]["resources"]["requests"] == {"cpu": 2, "memory": "1Gi"}
    assert read["nodePod"]["tolerations"] == []


def test_changed_defaults_start_the_operator_anew_and_nothing_else_does() -> None:
    def stamp(values: dict[str, object]) -> str:
        template = rendered(values).only("Deployment")["spec"]["template"]
        return str(template["metadata"]["annotations"]["rackwatt.dev/defaults"])

    assert stamp({}) == stamp({"replicas": 2})
    assert stamp({}) != stamp({"collector": {"logLevel": "debug"}})


def test_the_network_policy_lets_through_what_is_needed_alone() -> None:
    spec = plain().only("NetworkPolicy")["spec"]
    assert spec["ingress"] == [{"ports": [{"protocol": "TCP", "port": "http"}]}]
    ports = {(one["protocol"], one["port"]) for rule in spec["egress"] for one in rule["ports"]}
    assert {("UDP", 53), ("TCP", 53), ("TCP", 6443), ("TCP", 443), ("TCP", 9123)} <= ports
    other = chosen("another network").only("NetworkPolicy")["spec"]
    assert other["ingress"][0]["from"][0]["namespaceSelector"]
    ports = {(one["protocol"], one["port"]) for rule in other["egress"] for one in rule["ports"]}
    assert ports == {("UDP", 53), ("TCP", 53), ("TCP", 16443), ("TCP", 9123)}
    assert chosen("no network policy").every("NetworkPolicy") == []


def test_viewers_view_documents_and_editors_edit_them() -> None:
    roles = {
        label.rpartition("-")[2]: role["rules"][0]["verbs"]
        for role in plain().every("ClusterRole")
        for label in role["metadata"]["labels"]
        if "aggregate-to-" in label
    }
    assert roles["view"] == ["get", "list", "watch"]
    assert set(roles["edit"]) == {"create", "update", "patch", "delete", "deletecollection"}
    assert [one["metadata"]["name"] for one in chosen("no aggregation").every("ClusterRole")] == [
        "rackwatt-operator"
    ]


def test_what_exists_already_is_taken_as_it_is() -> None:
    whole = chosen("a service account that is there")
    assert whole.pod["serviceAccountName"] == "existing"
    assert whole.every("ServiceAccount") == []
    assert whole.every("RoleBinding") == []
    assert whole.every("ClusterRoleBinding") == []


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"replica": 2}, "'replica' not allowed"),
        ({"replicas": "two"}, "got string, want integer"),
        ({"replicas": -1}, "minimum"),
        ({"image": {"repository": "a/b:1"}}, "does not match pattern"),
        ({"image": {"tags": "1"}}, "'tags' not allowed"),
        ({"image": {"digest": "sha256:12"}}, "does not match pattern"),
        ({"watchNamespaces": "power"}, "got string, want array"),
        ({"watchNamespaces": ["Power"]}, "does not match pattern"),
        ({"watchNamespaces": ["power", "power"]}, "items at 0 and 1 are equal"),
        ({"log": {"level": "trace"}}, "value must be one of"),
        ({"serviceMonitor": {"enabled": "yes"}}, "value must be one of"),
        ({"serviceMonitor": {"interval": 30}}, "got number, want string"),
        ({"collector": {"pod": {"resource": {}}}}, "'resource' not allowed"),
        ({"collector": {"pod": {"resources": {"requests": {"cpu": "lots"}}}}}, "does not match pattern"),
        ({"collector": {"pod": {"tolerations": [{"effect": "Never"}]}}}, "value must be one of"),
        ({"collector": {"monitoring": {"serviceMonitor": {"interval": "often"}}}}, "does not match pattern"),
        ({"collector": {"monitoring": {"serviceMonitors": {}}}}, "'serviceMonitors' not allowed"),
        ({"networkPolicy": {"apiServerPorts": []}}, "minItems"),
        ({"monitoring": {"labels": {"release": 1}}}, "got number, want string"),
        ({"fullnameOverride": "x" * 53}, "maxLength"),
        ({"fullnameOverride": "Watts"}, "does not match pattern"),
        ({"nameOverride": "up_per"}, "does not match pattern"),
    ],
    ids=json.dumps,
)  # fmt: skip
def test_a_value_that_means_nothing_is_refused(values: dict[str, object], told: str) -> None:
    with pytest.raises(RefusedError, match=told):
        rendered(values)
