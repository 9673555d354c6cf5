"""The chart in a real cluster that has never seen it: installed, at work, upgraded, uninstalled."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rackwatt_operator.cluster.kinds import Ref
from scripts.tools import directory
from tests.chart.matrix import MATRIX
from tests.chart.release import Release, shown_crds
from tests.chart.rendering import CHART, Manifest
from tests.cluster.clients import Api, CommandError, Kubectl
from tests.cluster.controlplane import ControlPlane
from tests.operator.hands import Hands, fleet, ref

CRDS = ("powertargets.rackwatt.dev", "schedulerbindings.rackwatt.dev")


@pytest.fixture(scope="module")
def fresh() -> Iterator[ControlPlane]:
    """Run a control plane that has nothing of ours."""
    with ControlPlane(directory()) as running:
        yield running


@pytest.fixture(scope="module")
def someone(fresh: ControlPlane) -> Iterator[Hands]:
    with Api(fresh) as api:
        yield Hands(api)


@pytest.fixture
def release(fresh: ControlPlane) -> Release:
    return Release(fresh)


def until_made(someone: Hands, child: Ref) -> Manifest:
    someone.until(lambda: someone.get(child), str(child))
    found = someone.get(child)
    assert found is not None
    return found


def test_from_nothing_to_documents_that_are_looked_after_and_back(
    fresh: ControlPlane, someone: Hands, release: Release, tmp_path: Path
) -> None:
    told = release.install({"collector": {"image": {"repository": "mirror.example/collector"}}})
    assert "kubectl get pt,sb" in told
    kubectl = release.kubectl
    kubectl.until(lambda k: k.run("wait", "--for=condition=Established", "crd", *CRDS))
    kubectl.until(lambda k: k.get("powertargets,schedulerbindings"))

    user = f"system:serviceaccount:{release.name}:{release.operator}"
    made = ref(someone.apply(fleet("lab", release.name)))
    with release.operating(tmp_path):
        deployment = until_made(someone, Ref("Deployment", release.name, "pt-lab-0"))
        someone.until_reason(made, "Available", "RolloutInProgress")
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert container["image"].startswith("mirror.example/collector:")
        assert until_made(someone, Ref("Lease", release.name, "rackwatt-operator"))
        release.upgrade({"replicas": 2, "podLabels": {"team": "infra"}})
    assert release.deployment()["spec"]["replicas"] == 2
    assert [call for call in fresh.audit.calls(user) if call.code == 403] == []

    release.helm.run("uninstall", release.name)
    assert [f"{one['kind']} {one['metadata']['name']}" for one in release.objects()] == []
    assert someone.get(Ref("Lease", release.name, "rackwatt-operator")) is None
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
    release: Release, someone: Hands, tmp_path: Path
) -> None:
    release.install({"replicas": 2})
    someone.apply(fleet("lab", release.name))
    with release.operating(tmp_path):
        until_made(someone, Ref("Deployment", release.name, "pt-lab-0"))
        lease = until_made(someone, Ref("Lease", release.name, "rackwatt-operator"))
        assert lease["spec"]["holderIdentity"]
        release.upgrade({"replicas": 2, "commonLabels": {"team": "infra"}})  # while it is held
    lease = until_made(someone, Ref("Lease", release.name, "rackwatt-operator"))
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


def test_an_operator_of_one_namespace_sees_no_other(
    fresh: ControlPlane, someone: Hands, release: Release, tmp_path: Path
) -> None:
    Kubectl(fresh).run("create", "namespace", f"{release.name}-theirs")
    Kubectl(fresh).run("create", "namespace", f"{release.name}-ours")
    release.install({"watchNamespaces": [f"{release.name}-ours"]})
    user = f"system:serviceaccount:{release.name}:{release.operator}"
    may = Kubectl(fresh, f"{release.name}-theirs")
    theirs = ref(someone.apply(fleet("lab", f"{release.name}-theirs")))
    ours = ref(someone.apply(fleet("lab", f"{release.name}-ours")))
    with release.operating(tmp_path):
        someone.until_reason(ours, "Available", "RolloutInProgress")
    assert "status" not in (someone.get(theirs) or {})
    assert [call for call in fresh.audit.calls(user) if call.code == 403] == []
    asked = {
        call.namespace
        for call in fresh.audit.calls(user)
        if call.resource and call.group != "authorization.k8s.io"
    }
    assert asked <= {release.name, f"{release.name}-ours"}
    rights = may.run("auth", "can-i", "--list", "--no-headers", f"--as={user}")
    assert "rackwatt.dev" not in rights
    assert "secrets" not in rights
    release.helm.run("uninstall", release.name)


@pytest.mark.parametrize("name", ["two replicas", "pods"])
def test_from_any_values_to_any_others_and_back_leaves_nothing(release: Release, name: str) -> None:
    release.install(MATRIX[name])
    release.upgrade({})
    release.upgrade(MATRIX[name])
    release.helm.run("uninstall", release.name)
    assert release.objects() == []


def test_the_read_me_says_how_to_upgrade_and_to_remove_what_helm_leaves() -> None:
    read_me = (CHART / "README.md").read_text()
    assert (
        "helm show crds charts/rackwatt | kubectl apply --server-side --force-conflicts" in read_me
    )
    assert f"kubectl delete crd {' '.join(CRDS)}" in read_me
