"""Selection of a ServiceMonitor by a Prometheus, with selectors as Kubernetes evaluates them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_operator.kube.resources import ObjectKey
from rackwatt_operator.status.selection import Selected, bound, selected, unmet

HERE, OTHER = (
    ObjectKey("Prometheus", "centre", "main"),
    ObjectKey("PrometheusAgent", "other", "main"),
)
MONITOR = Selected("ServiceMonitor", "centre", {"release": "kps", "tier": "a"}, {"team": "power"})

TAKES_ALL: dict[str, dict[str, object]] = {"serviceMonitorSelector": {}}


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        ({}, []),
        ({"matchLabels": {"release": "kps"}}, []),
        ({"matchLabels": {"release": "other", "x": "y"}}, ["release=other", "x=y"]),
        ({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}]}, []),
        ({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["b"]}]}, ["tier In (b)"]),
        ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["a"]}]}, ["tier NotIn (a)"]),
        ({"matchExpressions": [{"key": "none", "operator": "NotIn", "values": ["a"]}]}, []),
        ({"matchExpressions": [{"key": "none", "operator": "Exists"}]}, ["none Exists"]),
        ({"matchExpressions": [{"key": "none", "operator": "DoesNotExist"}]}, []),
        ({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, ["tier DoesNotExist"]),
    ],
)  # fmt: skip
def test_a_selector_is_unmet_by_the_labels_that_are_missing(
    selector: dict[str, object], wanted: list[str]
) -> None:
    assert list(unmet(selector, MONITOR.labels)) == wanted


@pytest.mark.parametrize(
    ("name", "spec", "taken"),
    [
        (HERE, {"serviceMonitorSelector": {}}, True),
        (OTHER, {"serviceMonitorSelector": {}}, False),
        (OTHER, {"serviceMonitorSelector": {}, "serviceMonitorNamespaceSelector": {}}, True),
        (HERE, {}, False),
        (
            OTHER,
            {
                "serviceMonitorSelector": {"matchLabels": {"release": "kps"}},
                "serviceMonitorNamespaceSelector": {"matchLabels": {"team": "power"}},
            },
            True,
        ),
        (
            OTHER,
            {
                "serviceMonitorSelector": {},
                "serviceMonitorNamespaceSelector": {"matchLabels": {"team": "web"}},
            },
            False,
        ),
    ],
)
def test_selection_requires_both_selectors_of_a_prometheus_to_match(
    name: ObjectKey, spec: dict[str, object], taken: bool
) -> None:
    selection = selected(MONITOR, {name: spec})
    assert selection.seen == 1
    assert (list(selection.taken_by) == [str(name)]) == taken
    assert bool(selection.wanting) != taken


def test_selection_needs_one_matching_prometheus_of_many() -> None:
    selection = selected(MONITOR, {HERE: {}, OTHER._replace(namespace="centre"): TAKES_ALL})
    assert list(selection.taken_by) == ["PrometheusAgent centre/main"]
    assert "Prometheus centre/main wants no ServiceMonitor at all" in selection.wanting[0]


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=5))
def test_a_selector_made_from_labels_is_met_by_them(labels: dict[str, str]) -> None:
    assert not list(unmet({"matchLabels": labels}, labels))


def test_bindings_ignore_conditions_of_another_type() -> None:
    other = {"type": "Other", "status": "True"}
    assert bound([{"namespace": "a", "name": "b", "conditions": [other]}]).taken_by == []


@pytest.mark.parametrize(
    ("resource", "name"),
    [("prometheuses", "Prometheus a/b"), ("prometheusagents", "PrometheusAgent a/b")],
)
def test_bindings_name_prometheus_and_its_agent_by_kind(resource: str, name: str) -> None:
    binding = {"resource": resource, "namespace": "a", "name": "b"}
    accepted = {"type": "Accepted", "status": "True"}
    assert bound([binding | {"conditions": [accepted]}]).taken_by == [name]
    refused = {"type": "Accepted", "status": "False", "message": "no such port"}
    assert bound([binding | {"conditions": [refused]}]).rejected == f"{name}: no such port"


RULE = Selected("PrometheusRule", "centre", {"role": "alerts"}, {"team": "power"})


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ({"ruleSelector": {}}, []),
        ({"ruleSelector": {"matchLabels": {"role": "alerts"}}}, []),
        ({"ruleSelector": {"matchLabels": {"release": "kps"}}}, ["label release=kps on it"]),
        ({}, ["no PrometheusRule at all (it has no ruleSelector)"]),
        (
            {"ruleSelector": {}, "ruleNamespaceSelector": {"matchLabels": {"team": "web"}}},
            ["label team=web on namespace centre"],
        ),
    ],
)
def test_selection_of_rules_uses_the_rule_selectors_of_a_prometheus(
    spec: dict[str, object], wanted: list[str]
) -> None:
    selection = selected(RULE, {HERE: spec})
    assert bool(selection.taken_by) is not bool(wanted)
    assert list(selection.wanting) == [f"{HERE} wants {' and '.join(wanted)}" for _ in wanted[:1]]
