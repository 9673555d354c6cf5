"""For any values, the manifests are consistent and request no privilege."""

import functools

import pytest

from rackwatt_operator.manifests.defaults import Defaults, defaults
from tests.chart.matrix import MATRIX
from tests.chart.rendering import MONITORING, NAMESPACE, Manifest, Rendered, rendered

CLUSTER_WIDE = {"ClusterRole", "ClusterRoleBinding"}


@functools.cache
def chosen(name: str) -> Rendered:
    return rendered(MATRIX[name], *MONITORING)


@pytest.fixture(params=MATRIX)
def whole(request: pytest.FixtureRequest) -> Rendered:
    return chosen(request.param)


def read_defaults(whole: Rendered) -> Defaults:
    """Read the rendered defaults as the operator does, from the path that the operator has as a flag."""
    (flag,) = [one for one in whole.container["args"] if one.startswith("--defaults.file=")]
    folder, _, file = flag.partition("=")[2].rpartition("/")
    (mount,) = [one for one in whole.container["volumeMounts"] if one["mountPath"] == folder]
    (volume,) = [one for one in whole.pod["volumes"] if one["name"] == mount["name"]]
    config = whole["ConfigMap", volume["configMap"]["name"]]
    read, problems = defaults(config["data"][file])
    assert problems == []
    assert read is not None
    return read


def test_the_operator_reads_its_defaults(whole: Rendered) -> None:
    assert read_defaults(whole).image.reference


def test_everything_lives_in_the_releases_namespace_or_in_a_watched_one(whole: Rendered) -> None:
    watched = {
        one.partition("=")[2] for one in whole.container["args"] if one.startswith("--namesp")
    }
    for (kind, _), manifest in whole.items():
        if kind in CLUSTER_WIDE or manifest["metadata"]["name"].endswith(("-site", "-text")):
            assert "namespace" not in manifest["metadata"]
        elif manifest["metadata"]["name"].endswith("-lease") or kind not in {"Role", "RoleBinding"}:
            assert manifest["metadata"]["namespace"] == NAMESPACE
        else:
            assert manifest["metadata"]["namespace"] in watched


def test_selectors_find_the_operators_pods_and_labels_are_as_recommended(whole: Rendered) -> None:
    deployment = whole.only("Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    selectors = [
        deployment["spec"]["selector"]["matchLabels"],
        whole.only("Service")["spec"]["selector"],
    ]
    selectors += [one["spec"]["podSelector"]["matchLabels"] for one in whole.every("NetworkPolicy")]
    selectors += [
        one["spec"]["selector"]["matchLabels"] for one in whole.every("PodDisruptionBudget")
    ]
    expected = {
        "app.kubernetes.io/name": "rackwatt-operator",
        "app.kubernetes.io/instance": "rackwatt",
    }
    for selector in selectors:
        assert selector == expected
        assert selector.items() <= labels.items()
    for monitor in whole.every("ServiceMonitor"):
        service = whole.only("Service")["metadata"]["labels"]
        assert monitor["spec"]["selector"]["matchLabels"].items() <= service.items()
    for (_, name), manifest in whole.items():
        if not name.endswith(("-test", "-site", "-text")):
            assert manifest["metadata"]["labels"]["app.kubernetes.io/part-of"] == "rackwatt"


def test_pods_meet_the_restricted_level(whole: Rendered) -> None:
    pods = [whole.pod, *(pod["spec"] for pod in whole.every("Pod"))]
    assert len(pods) == 2
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert {"hostPID", "hostIPC"}.isdisjoint(pod)
        (container,) = pod["containers"]
        assert {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }.items() <= container["securityContext"].items()
        volumes = pod.get("volumes", [])
        assert all({"configMap", "emptyDir"} & volume.keys() for volume in volumes)


def test_pods_request_an_identity_or_the_nodes_network_only_where_a_value_does() -> None:
    for name, values in MATRIX.items():
        for pod in [chosen(name).pod, *(pod["spec"] for pod in chosen(name).every("Pod"))]:
            identity = {"runAsUser", "runAsGroup", "fsGroup"} & pod["securityContext"].keys()
            assert bool(identity) is ("podSecurityContext" in values), name
        assert ("hostNetwork" in chosen(name).pod) is ("hostNetwork" in values), name


def test_roles_are_bound_to_the_operators_account_alone(whole: Rendered) -> None:
    account = whole.pod["serviceAccountName"]
    made = whole.every("ServiceAccount")
    assert [one["metadata"]["name"] for one in made] in ([account], [])
    for binding in [*whole.every("RoleBinding"), *whole.every("ClusterRoleBinding")]:
        if binding["metadata"]["name"] == written_by_the_operator(whole):
            assert "subjects" not in binding  # else an upgrade would take away what is granted
        else:
            assert binding["subjects"] == [
                {"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}
            ]
        assert granted(whole, binding)


def written_by_the_operator(whole: Rendered) -> str | None:
    """Return the ClusterRoleBinding whose subjects the operator writes, if there is one."""
    flag = "--kubernetes-scheduler.role-binding="
    args: list[str] = whole.container["args"]
    return next((one.removeprefix(flag) for one in args if one.startswith(flag)), None)


def granted(whole: Rendered, binding: Manifest) -> list[Manifest]:
    """Give the rules of the role that a binding names, in the same namespace."""
    reference, place = binding["roleRef"], binding["metadata"].get("namespace")
    (role,) = [
        one
        for one in whole.every(reference["kind"])
        if one["metadata"]["name"] == reference["name"]
        and one["metadata"].get("namespace") == place
    ]
    rules: list[Manifest] = role["rules"]
    return rules


def test_no_role_reaches_secrets_roles_or_all_of_anything(whole: Rendered) -> None:
    for role in [*whole.every("Role"), *whole.every("ClusterRole")]:
        for rule in role["rules"]:
            if "rbac.authorization.k8s.io" in rule["apiGroups"]:
                assert rule["resourceNames"] == [written_by_the_operator(whole)]
                assert set(rule["verbs"]) <= {"get", "patch", "bind"}
            assert "secrets" not in rule["resources"]
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
