"""Builders of documents for tests, and of the manifests planned for them."""

from collections.abc import Iterable
from typing import Any

from rackwatt_crds.document import SchedulerBinding
from rackwatt_crds.loading import load_with_raw
from rackwatt_operator.manifests.build import plan
from rackwatt_operator.manifests.defaults import Defaults, Image
from rackwatt_operator.manifests.params import MONITORING, BuildFailure, Facts

Manifest = dict[str, Any]

# What no release changes.
DEFAULTS = Defaults(image=Image(reference="registry.example/rackwatt/collector:1"))


def planned(
    text: str, defaults: Defaults = DEFAULTS, monitoring: Iterable[str] = MONITORING
) -> list[Manifest]:
    """Return the manifests of all documents of a text, planned with its bindings."""
    pairs = load_with_raw(text.encode(), "test.yaml")
    assert [loaded.problems for _, loaded in pairs] == [()] * len(pairs)
    documents = [(raw, loaded.document) for raw, loaded in pairs if loaded.document is not None]
    bindings = {
        one.metadata.name: one.spec for _, one in documents if isinstance(one, SchedulerBinding)
    }
    facts = Facts(frozenset(monitoring), bindings)
    manifests = []
    for raw, document in documents:
        made = plan(raw, document, facts, defaults)
        assert not isinstance(made, BuildFailure), made
        manifests += made
    return manifests


def fleet(
    spec: str = "", bmc: str = "method: fake, hosts: [{names: n1}]", name: str = "lab"
) -> str:
    """Return a PowerTarget; `spec` are lines beside `bmc`, which is in flow style."""
    return (
        "apiVersion: rackwatt.dev/v1alpha1\nkind: PowerTarget\n"
        f"metadata: {{name: {name}, namespace: power}}\nspec:\n  bmc: {{{bmc}}}\n"
        + "".join(f"  {line}\n" for line in spec.splitlines())
    )


def nodes(collectors: str = "rapl, cpu", spec: str = "") -> str:
    """Return a PowerTarget that measures nodes from inside."""
    return fleet(spec).replace(
        "bmc: {method: fake, hosts: [{names: n1}]}", f"node: {{collectors: [{collectors}]}}"
    )


def binding(spec: str = "noop: {}", name: str = "prod") -> str:
    """Return a SchedulerBinding of cluster `c`."""
    return (
        "apiVersion: rackwatt.dev/v1alpha1\nkind: SchedulerBinding\n"
        f"metadata: {{name: {name}, namespace: power}}\nspec: {{cluster: c, {spec}}}\n"
    )


def of_kind(manifests: Iterable[Manifest], kind: str) -> list[Manifest]:
    """Choose the manifests of a kind."""
    return [one for one in manifests if one["kind"] == kind]


def only(manifests: Iterable[Manifest], kind: str) -> Manifest:
    """Choose the one manifest of a kind."""
    (one,) = of_kind(manifests, kind)
    return one


def pods(manifests: Iterable[Manifest]) -> list[Manifest]:
    """List the pod templates."""
    workloads = [one for one in manifests if one["kind"] in ("Deployment", "DaemonSet")]
    return [one["spec"]["template"] for one in workloads]


def container(pod: Manifest) -> Manifest:
    """Return a pod's only container."""
    (one,) = pod["spec"]["containers"]
    found: Manifest = one
    return found
