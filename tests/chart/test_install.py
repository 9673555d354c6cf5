"""The chart in a real cluster: installed, running, upgraded, uninstalled."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from rackwatt_operator.kube.resources import ObjectKey
from scripts.tools import directory
from tests.chart.matrix import MATRIX
from tests.chart.release import Release, shown_crds
from tests.chart.rendering import CHART, Manifest
from tests.cluster import openshift
from tests.cluster.clients import Api, CommandError, Kubectl
from tests.cluster.controlplane import ControlPlane
from tests.operator.kube_user import KubeUser, document, fleet, object_key

CRDS = ("powertargets.rackwatt.dev", "schedulerbindings.rackwatt.dev")


@pytest.fixture(scope="module")
def fresh() -> Iterator[ControlPlane]:
    """Run a control plane that has nothing of ours."""
    with ControlPlane(directory()) as running:
        yield running


@pytest.fixture(scope="module")
def someone(fresh: ControlPlane) -> Iterator[KubeUser]:
    with Api(fresh) as api:
        yield KubeUser(api)


@pytest.fixture
def release(fresh: ControlPlane) -> Release:
    return Release(fresh)


def until_made(someone: KubeUser, child: ObjectKey) -> Manifest:
    someone.until(lambda: someone.get(child), str(child))
    found = someone.get(child)
    assert found is not None
    return found


def test_from_nothing_to_documents_that_are_looked_after_and_back(
    fresh: ControlPlane, someone: KubeUser, release: Release, tmp_path: Path
) -> None:
    notes = release.install({"collector": {"image": {"repository": "mirror.example/collector"}}})
    assert "kubectl get pt,sb" in notes
    kubectl = release.kubectl
    kubectl.until(lambda k: k.run("wait", "--for=condition=Established", "crd", *CRDS))
    kubectl.until(lambda k: k.get("powertargets,schedulerbindings"))

    user = f"system:serviceaccount:{release.name}:{release.operator}"
    made = object_key(someone.apply(fleet("lab", release.name)))
    with release.operating(tmp_path):
        deployment = until_made(someone, ObjectKey("Deployment", release.name, "pt-lab-0"))
        someone.until_reason(made, "Available", "RolloutInProgress")
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert container["image"].startswith("mirror.example/collector:")
        assert until_made(someone, ObjectKey("Lease", release.name, "rackwatt-operator"))
        release.upgrade({"replicas": 2, "podLabels": {"team": "infra"}})
    assert release.deployment()["spec"]["replicas"] == 2
    assert [call for call in fresh.audit.calls(user) if call.code == 403] == []

    release.helm.run("uninstall", release.name)
    assert [f"{one['kind']} {one['metadata']['name']}" for one in release.objects()] == []
    assert someone.get(ObjectKey("Lease", release.name, "rackwatt-operator")) is None
    kubectl.run("get", "crd", *CRDS)
    assert someone.get(made)
    kubectl.run("delete", "powertarget", "lab", "--timeout=60s")  # no operator, and no finalizer

    newer = shown_crds(release)
    assert {one["metadata"]["name"] for one in newer} == set(CRDS)
    newer[0]["spec"]["names"]["categories"] = ["rackwatt", "newer"]
    kubectl.apply(*newer)
    names = kubectl.get("crd", newer[0]["metadata"]["name"])["spec"]["names"]
    assert "newer" in names["categories"]
    with pytest.raises(CommandError, match="conflict"):  # Helm would go back to its own
        release.install({})
    kubectl.apply(*shown_crds(release))
    release.install({})
    release.helm.run("uninstall", release.name)


def test_everything_that_the_chart_makes_stays_helms(
    release: Release, someone: KubeUser, tmp_path: Path
) -> None:
    release.install({"replicas": 2})
    someone.apply(fleet("lab", release.name))
    with release.operating(tmp_path):
        until_made(someone, ObjectKey("Deployment", release.name, "pt-lab-0"))
        lease = until_made(someone, ObjectKey("Lease", release.name, "rackwatt-operator"))
        assert lease["spec"]["holderIdentity"]
        release.upgrade({"replicas": 2, "commonLabels": {"team": "infra"}})  # while it is held
    lease = until_made(someone, ObjectKey("Lease", release.name, "rackwatt-operator"))
    assert lease["metadata"]["labels"]["team"] == "infra"
    assert lease["spec"]["leaseTransitions"] >= 0
    managers = {
        (entry["manager"], entry.get("subresource", ""))
        for one in release.objects()
        if "helm.sh/chart" in one["metadata"]["labels"]
        and "pod-template-hash" not in one["metadata"]["labels"]
        for entry in one["metadata"]["managedFields"]
    }
    assert managers == {
        ("helm", ""),
        ("kube-controller-manager", "status"),
    }
    release.helm.run("uninstall", release.name)


def test_collectors_keep_the_right_to_read_nodes_and_pods_through_an_upgrade(
    someone: KubeUser, release: Release, tmp_path: Path
) -> None:
    values = {"rbac": {"kubernetesScheduler": {"namespaces": [release.name]}}}
    release.install(values)
    name = f"{release.operator}-kubernetes-scheduler:{release.name}"

    def subjects() -> list[Manifest]:
        found: list[Manifest] = release.kubectl.get("clusterrolebinding", name).get("subjects", [])
        return found

    assert subjects() == []
    spec = {"cluster": "own", "kubernetes": {}}
    someone.apply(document("SchedulerBinding", "own", release.name, spec))
    with release.operating(tmp_path):
        someone.until(subjects)
    granted = subjects()
    assert [(one["namespace"], one["name"]) for one in granted] == [(release.name, "sb-own")]
    release.upgrade({**values, "podLabels": {"team": "infra"}})
    assert subjects() == granted
    release.helm.run("uninstall", release.name)
    assert not [one for one in release.objects() if one["kind"].startswith("ClusterRole")]


def test_an_operator_of_one_namespace_sees_no_other(
    fresh: ControlPlane, someone: KubeUser, release: Release, tmp_path: Path
) -> None:
    Kubectl(fresh).run("create", "namespace", f"{release.name}-theirs")
    Kubectl(fresh).run("create", "namespace", f"{release.name}-ours")
    release.install({"watchNamespaces": [f"{release.name}-ours"]})
    user = f"system:serviceaccount:{release.name}:{release.operator}"
    may = Kubectl(fresh, f"{release.name}-theirs")
    theirs = object_key(someone.apply(fleet("lab", f"{release.name}-theirs")))
    ours = object_key(someone.apply(fleet("lab", f"{release.name}-ours")))
    with release.operating(tmp_path):
        someone.until_reason(ours, "Available", "RolloutInProgress")
    assert "status" not in (someone.get(theirs) or {})
    assert [call for call in fresh.audit.calls(user) if call.code == 403] == []
    verbs = {
        call.namespace
        for call in fresh.audit.calls(user)
        if call.resource and call.group != "authorization.k8s.io"
    }
    assert verbs <= {release.name, f"{release.name}-ours"}
    rights = may.run("auth", "can-i", "--list", "--no-headers", f"--as={user}")
    assert "rackwatt.dev" not in rights
    assert "secrets" not in rights
    release.helm.run("uninstall", release.name)


def test_two_releases_of_one_name_work_in_two_namespaces_and_one_goes_alone(
    fresh: ControlPlane, someone: KubeUser, release: Release, tmp_path: Path
) -> None:
    both = [Release(fresh, release.name, f"{release.name}-{part}") for part in ("north", "south")]
    for one in both:
        one.install({"watchNamespaces": [one.namespace]})
    north, south = both
    lab, hall = (object_key(someone.apply(fleet("lab", one.namespace))) for one in both)
    (tmp_path / "north").mkdir()
    with south.operating(tmp_path):
        with north.operating(tmp_path / "north"):
            for document in (lab, hall):
                someone.until_reason(document, "Available", "RolloutInProgress")
            leases = [
                until_made(someone, ObjectKey("Lease", one.namespace, "rackwatt-operator"))
                for one in both
            ]
            assert len({one["spec"]["holderIdentity"] for one in leases}) == 2
        north.helm.run("uninstall", north.name)
        later = object_key(someone.apply(fleet("later", south.namespace)))
        someone.until_reason(later, "Available", "RolloutInProgress")
    for one in both:
        user = f"system:serviceaccount:{one.namespace}:{one.operator}"
        calls = fresh.audit.calls(user)
        assert [call for call in calls if call.code == 403] == []
        namespaces = {call.namespace for call in calls if call.group == "rackwatt.dev"}
        assert namespaces == {one.namespace}
    kinds = {(one["kind"], one["metadata"].get("namespace", "")) for one in south.objects()}
    assert {namespace for _, namespace in kinds} == {"", south.namespace}
    south.helm.run("uninstall", south.name)
    assert south.objects() == []


def test_releases_of_one_name_that_watch_the_whole_cluster_do_not_collide_by_name(
    fresh: ControlPlane, release: Release
) -> None:
    both = [Release(fresh, release.name, f"{release.name}-{part}") for part in ("blue", "green")]
    for one in both:  # as when one takes the other's place
        one.install({})
    both[0].helm.run("uninstall", release.name)
    roles = [
        one for one in both[1].objects() if one["kind"] in {"ClusterRole", "ClusterRoleBinding"}
    ]
    assert len(roles) == 4
    assert all(one["metadata"]["name"].endswith("-green") for one in roles)
    both[1].helm.run("uninstall", release.name)


def test_a_second_release_in_one_namespace_is_refused(release: Release) -> None:
    release.install({})
    with pytest.raises(CommandError, match=f"release {release.name} has an operator in namespace"):
        Release(release.cluster, f"{release.name}-more", release.namespace).install({})
    release.helm.run("uninstall", release.name)


@pytest.mark.parametrize("name", ["two replicas", "pods", "more of everything"])
def test_from_any_values_to_any_others_and_back_leaves_nothing(release: Release, name: str) -> None:
    release.install(MATRIX[name])
    release.upgrade({})
    release.upgrade(MATRIX[name])
    release.helm.run("uninstall", release.name)
    assert release.objects() == []


def test_it_is_a_part_of_another_chart_that_is_installed_upgraded_and_removed(
    release: Release, tmp_path: Path
) -> None:
    shutil.copytree(CHART, tmp_path / "charts/rackwatt")
    wanted = {"name": "rackwatt", "version": "*", "condition": "rackwatt.enabled"}
    about = {"apiVersion": "v2", "name": "site", "version": "1.0.0", "dependencies": [wanted]}
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump(about))
    for verb, enabled in (("install", True), ("upgrade", False), ("upgrade", True)):
        flags = ("--create-namespace",) if verb == "install" else ()
        on = json.dumps({"rackwatt": {"enabled": enabled, "podLabels": None}})
        release.helm.run(verb, release.name, tmp_path, "--values=-", *flags, said=on)
        assert bool(release.objects()) is enabled
    release.helm.run("uninstall", release.name)
    assert release.objects() == []


def test_pods_run_where_user_ids_are_assigned(fresh: ControlPlane, release: Release) -> None:
    Kubectl(fresh).run("create", "namespace", release.namespace)
    openshift.play(fresh, release.namespace)
    kubectl = release.kubectl
    fixed = {"podSecurityContext": {"runAsUser": 65532, "fsGroup": 65532}}
    release.install(fixed)
    kubectl.until(lambda k: openshift.REFUSED in str(k.get("replicasets")))  # the policy is at work
    assert [one for one in release.objects() if one["kind"] == "Pod"] == []
    release.upgrade({"podSecurityContext": {"runAsUser": None, "fsGroup": None}})
    (pod,) = kubectl.until(lambda k: k.items("pods"))
    assert pod["spec"]["securityContext"] == {
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    (test,) = (
        one
        for one in yaml.safe_load_all(release.helm.run("get", "hooks", release.name))
        if one["kind"] == "Pod"
    )
    kubectl.run("create", "--dry-run=server", "--filename=-", said=yaml.safe_dump(test))
    release.helm.run("uninstall", release.name)


def test_the_read_me_says_how_to_upgrade_and_to_remove_what_helm_leaves() -> None:
    read_me = (CHART / "README.md").read_text()
    assert (
        "helm show crds charts/rackwatt | kubectl apply --server-side --force-conflicts" in read_me
    )
    assert f"kubectl delete crd {' '.join(CRDS)}" in read_me
