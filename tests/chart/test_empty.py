"""Values that are empty: a key that is there with nothing below it, as when its lines are comments.

Null and an absent key are the same to Helm, which takes both for "without the chart's default".
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from tests.chart.rendering import CHART, MONITORING, RefusedError, Rendered, plain, rendered
from tests.chart.test_rendering import read_defaults

Path = tuple[str, ...]
VALUES = yaml.safe_load((CHART / "values.yaml").read_text())
EMPTY: tuple[object, ...] = ({}, [], "")

# Below these the keys are Kubernetes' own: null removes a default.
KUBERNETES = ("resources", "nodeSelector")
# What means something else than the default, and what is seen of it.
MEANINGS: dict[tuple[Path, str], str] = {
    (("serviceMonitor", "interval"), ""): "interval: 30s",
    (("serviceMonitor", "scrapeTimeout"), ""): "scrapeTimeout: 10s",
    (("nodeSelector", "kubernetes.io/os"), ""): "kubernetes.io/os: linux",
}


def paths(values: Mapping[str, Any], above: Path = ()) -> Iterator[Path]:
    """Walk every key, of objects too."""
    for key, value in values.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from paths(value, (*above, key))


PATHS = tuple(paths(VALUES))
OURS = tuple(one for one in PATHS if one[0] not in KUBERNETES or len(one) == 1)


def at(path: Path, value: object) -> dict[str, Any]:
    """Write a value at a path, alone."""
    for key in reversed(path):
        value = {key: value}
    assert isinstance(value, dict)
    return value


def lines(whole: Rendered) -> set[str]:
    """Give the lines of all manifests, without what their place adds."""
    return {line.strip(" -") for line in yaml.safe_dump_all(list(whole.values())).splitlines()}


def test_the_walk_covers_the_values() -> None:
    assert len(PATHS) > 80
    assert ("networkPolicy", "apiServerPorts") in OURS
    assert ("resources", "limits", "memory") not in OURS


@pytest.mark.parametrize("path", OURS, ids=".".join)
def test_null_is_the_default(path: Path) -> None:
    assert rendered(at(path, None), *MONITORING) == plain()


@pytest.mark.parametrize("path", sorted(set(PATHS) - set(OURS)), ids=".".join)
def test_null_removes_a_key_of_kubernetes(path: Path) -> None:
    part: Any = VALUES
    for key in path:
        part = part[key]
    whole = rendered(at(path, None), *MONITORING)
    pods = [whole.pod, whole.only("Pod")["spec"]]
    pods[0]["containers"][0]["resources"] = whole.container["resources"]
    found: Any = pods[0]["containers"][0] if path[0] == "resources" else pods[0]
    for key in path[:-1]:
        found = found.get(key, {})
    assert path[-1] not in found
    assert lines(whole) <= lines(plain()) | {"limits: {}", "requests: {}", "resources: {}"}


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_an_empty_value_is_the_default_or_rejected_with_its_path(path: Path) -> None:
    pointer = "/".join(["", *(key.replace("/", "~1") for key in path)])
    for empty in EMPTY:
        try:
            whole = rendered(at(path, empty), *MONITORING)
        except RefusedError as refused:
            assert re.search(rf"at '{re.escape(pointer)}'", str(refused)), refused
            assert "template" not in str(refused)
        else:
            left_out = MEANINGS.get((path, "")) if empty == "" else None
            assert lines(plain()) - lines(whole) == ({left_out} if left_out else set()), empty


@pytest.mark.parametrize(
    "values",
    [
        dict.fromkeys(VALUES),
        {key: dict.fromkeys(value) for key, value in VALUES.items()
         if isinstance(value, dict) and value and key not in KUBERNETES},
        {"podLabels": None, "podAnnotations": None, "commonLabels": None},
        {"collector": dict.fromkeys(VALUES["collector"])},
        {"collector": {"image": dict.fromkeys(VALUES["collector"]["image"])}},
    ],
    ids=["all", "all of the second level", "labels", "collector", "collector.image"],
)  # fmt: skip
def test_many_keys_may_be_null_at_once(values: dict[str, Any]) -> None:
    assert rendered(values, *MONITORING) == plain()


def test_null_in_collector_defaults_is_the_operators_default() -> None:
    pod = dict.fromkeys(("resources", "tolerations", "labels", "imagePullSecrets"))
    monitoring = {"serviceMonitor": {"interval": None}, "rules": None, "dashboards": None}
    whole = rendered({"collector": {"pod": pod, "nodePod": pod, "monitoring": monitoring}})
    read = read_defaults(whole)
    for one in (read.pod, read.node_pod):
        assert one is not None
        assert (one.resources, one.tolerations, one.labels) == (None, None, None)


def test_pull_secrets_reach_collectors_whose_own_are_null() -> None:
    whole = rendered(
        {"imagePullSecrets": ["own"], "collector": {"pod": {"imagePullSecrets": None}}}
    )
    pod = read_defaults(whole).pod
    assert pod is not None
    assert [one.name for one in pod.image_pull_secrets or ()] == ["own"]


def test_no_egress_rule_lets_everything_out() -> None:
    for ports in (None, VALUES["networkPolicy"]["apiServerPorts"], [6443]):
        policy = rendered({"networkPolicy": {"apiServerPorts": ports}}).only("NetworkPolicy")
        for rule in policy["spec"]["egress"]:
            assert all(port["port"] for port in rule["ports"])
            assert rule["ports"]


def test_templates_have_the_defaults_of_the_values_file() -> None:
    copied = yaml.safe_load((CHART / "files/values.yaml").read_text())
    assert copied == VALUES
