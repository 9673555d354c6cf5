"""Each value sets exactly the fields that it describes."""

import json

import pytest

from rackwatt_operator.manifests.merge import plain as spelled
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
        "rackwatt-view:power",
        "rackwatt-edit:power",
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


def test_a_parents_registry_takes_precedence_over_each_images_own() -> None:
    version = plain().container["image"].rpartition(":")[2]
    parents = chosen("a parent's registry")
    assert parents.container["image"] == f"mirror.example:5000/hub/rackwatt/operator:{version}"
    (test,) = parents.every("Pod")
    assert test["spec"]["containers"][0]["image"] == parents.container["image"]
    collector = read_defaults(parents).image.reference
    assert collector == f"mirror.example:5000/hub/rackwatt/collector:{version}"
    each = chosen("a registry each")
    assert each.container["image"] == f"one.example/rackwatt/operator:{version}"
    assert read_defaults(each).image.reference == f"two.example:5000/rackwatt/collector:{version}"


def test_pull_secrets_of_the_parent_and_the_chart_reach_every_pod_once() -> None:
    whole = chosen("a parent's registry")
    secrets = [{"name": name} for name in ("mirror", "other", "own")]
    (test,) = whole.every("Pod")
    assert whole.pod["imagePullSecrets"] == test["spec"]["imagePullSecrets"] == secrets
    assert spelled(read_defaults(whole))["pod"]["imagePullSecrets"] == secrets


def test_no_pull_secret_for_collectors_is_a_choice_too() -> None:
    whole = rendered({"imagePullSecrets": ["own"], "collector": {"pod": {"imagePullSecrets": []}}})
    assert spelled(read_defaults(whole))["pod"] == {"imagePullSecrets": []}


def test_extra_arguments_variables_and_volumes_follow_those_of_the_chart() -> None:
    whole = chosen("more of everything")
    container = whole.container
    assert container["args"][-2:] == ["--resync.interval=5m", "--log.level=debug"]
    assert [one["name"] for one in container["env"]] == ["HTTPS_PROXY", "NODE"]
    assert [one["name"] for one in whole.pod["volumes"]] == [
        "rackwatt-defaults", "rackwatt-tmp", "authorities",
    ]  # fmt: skip

    assert container["volumeMounts"][-1]["mountPath"] == "/etc/ssl/site"


def test_volumes_of_a_user_may_have_short_names() -> None:
    names = ["tmp", "defaults"]
    whole = rendered({"extraVolumes": [{"name": name, "emptyDir": {}} for name in names]})
    volumes = [one["name"] for one in whole.pod["volumes"]]
    assert volumes[-2:] == names
    assert len(set(volumes)) == len(volumes)


def test_common_annotations_are_on_every_object_and_on_the_pods() -> None:
    whole = chosen("more of everything")
    ours = [one for (_, name), one in whole.items() if not name.endswith(("-site", "-text"))]
    ours.append(whole.only("Deployment")["spec"]["template"])
    assert len(ours) > 10
    for one in ours:
        assert one["metadata"]["annotations"]["example.org/owner"] == "infra"


def test_extra_objects_are_templates_themselves() -> None:
    whole = chosen("more of everything")
    assert whole["ConfigMap", "rackwatt-site"]["data"] == {"port": "8080"}
    assert whole["Secret", "rackwatt-text"]


def test_security_contexts_are_added_to_those_of_the_chart() -> None:
    whole = chosen("security contexts")
    assert whole.pod["securityContext"] == {
        "runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"},
        "runAsUser": 1000, "runAsGroup": 1000, "fsGroup": 1000,
    }  # fmt: skip
    assert whole.container["securityContext"]["runAsUser"] == 1001
    weaker = rendered({"securityContext": {"readOnlyRootFilesystem": False}})
    assert weaker.container["securityContext"]["readOnlyRootFilesystem"] is False
    assert weaker.container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_in_the_nodes_network_names_of_the_cluster_still_resolve() -> None:
    whole = chosen("the node's network")
    assert whole.pod["hostNetwork"] is True
    assert whole.pod["dnsPolicy"] == "ClusterFirstWithHostNet"
    assert whole.pod["dnsConfig"]["searches"] == ["bmc.example"]
    assert whole.pod["hostAliases"][0]["hostnames"] == ["api.example"]
    assert whole.container["ports"][0]["containerPort"] == 18080
    assert "--web.listen-address=:18080" in whole.container["args"]
    assert chosen("a DNS policy").pod["dnsPolicy"] == "Default"
    assert "dnsPolicy" not in plain().pod


def test_the_monitor_has_the_limits_and_labels_of_the_values() -> None:
    monitor = chosen("a monitor with limits").only("ServiceMonitor")
    assert monitor["metadata"]["annotations"] == {"example.org/tier": "own"}
    spec = dict(monitor["spec"])  # what was rendered is shared by tests
    assert spec.pop("selector")
    assert spec == {
        "jobLabel": "app.kubernetes.io/name", "targetLabels": ["app.kubernetes.io/version"],
        "podTargetLabels": ["team"], "sampleLimit": 5000, "targetLimit": 10, "scrapeClass": "secure",
        "endpoints": [{"port": "http", "path": "/metrics", "honorLabels": True}],
    }  # fmt: skip
    assert plain().only("ServiceMonitor")["spec"].keys() == {"selector", "endpoints"}


@pytest.mark.parametrize(
    ("name", "theirs"), [("a mirror", "mirror"), ("pull secrets of their own", "theirs")]
)
def test_collectors_open_the_registry_as_the_operator_does_by_default(
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


def test_pods_are_placed_and_sized_as_configured() -> None:
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


def test_changed_defaults_restart_the_operator_and_nothing_else_does() -> None:
    def stamp(values: dict[str, object]) -> str:
        template = rendered(values).only("Deployment")["spec"]["template"]
        return str(template["metadata"]["annotations"]["rackwatt.dev/defaults"])

    assert stamp({}) == stamp({"replicas": 2})
    assert stamp({}) != stamp({"collector": {"logLevel": "debug"}})


def test_the_network_policy_allows_only_required_connections() -> None:
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
        "rackwatt-operator:power"
    ]


def test_existing_objects_are_used_unchanged() -> None:
    whole = chosen("a service account that is there")
    assert whole.pod["serviceAccountName"] == "existing"
    assert whole.every("ServiceAccount") == []
    assert whole.every("RoleBinding") == []
    assert whole.every("ClusterRoleBinding") == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"replica": 2}, "'replica' not allowed"),
        ({"replicas": "two"}, "got string, want null or integer"),
        ({"replicas": -1}, "minimum"),
        ({"image": {"repository": "a/b:1"}}, "does not match pattern"),
        ({"image": {"tags": "1"}}, "'tags' not allowed"),
        ({"image": {"digest": "sha256:12"}}, "does not match pattern"),
        ({"watchNamespaces": "power"}, "got string, want null or array"),
        ({"watchNamespaces": ["Power"]}, "does not match pattern"),
        ({"watchNamespaces": ["power", "power"]}, "items at 0 and 1 are equal"),
        ({"log": {"level": "trace"}}, "value must be one of"),
        ({"serviceMonitor": {"enabled": "yes"}}, "value must be one of"),
        ({"serviceMonitor": {"interval": 30}}, "got number, want null or string"),
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
        ({"image": {"registry": "mirror.example/"}}, "at '/image/registry'"),
        ({"image": {"registry": "https://mirror.example"}}, "at '/image/registry'"),
        ({"global": {"imageRegistry": 5000}}, "at '/global/imageRegistry'"),
        ({"imagePullSecrets": [{"secret": "a"}]}, "at '/imagePullSecrets/0'"),
        ({"extraArgs": ["run"]}, "at '/extraArgs/0'"),
        ({"extraArgs": {"log.level": "debug"}}, "want null or array"),
        ({"extraEnv": [{"name": "A", "valueFom": {}}]}, "'valueFom' not allowed"),
        ({"extraVolumeMounts": [{"name": "a"}]}, "missing property 'mountPath'"),
        ({"podSecurityContext": "restricted"}, "at '/podSecurityContext'"),
        ({"port": 80}, "minimum"),
        ({"dnsPolicy": "Cluster"}, "value must be one of"),
        ({"hostAliases": [{"ip": "192.0.2.1"}]}, "missing property 'hostnames'"),
        ({"serviceMonitor": {"sampleLimit": -1}}, "minimum"),
        ({"serviceMonitor": {"targetLabels": "team"}}, "want null or array"),
        ({"enabled": False}, "at '/enabled'"),
    ],
    ids=json.dumps,
)  # fmt: skip
def test_an_invalid_value_is_rejected(values: dict[str, object], message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        rendered(values)
