"""Which Prometheus takes a ServiceMonitor, by selectors as Kubernetes reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_operator.status.selection import Monitor, bound, selected, unmet

MONITOR = Monitor("centre", {"release": "kps", "tier": "a"}, {"team": "power"})


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
def test_a_selector_wants_what_labels_lack(selector: dict[str, object], wanted: list[str]) -> None:
    assert list(unmet(selector, MONITOR.labels)) == wanted


@pytest.mark.parametrize(
    ("name", "spec", "taken"),
    [
        ("centre/main", {"serviceMonitorSelector": {}}, True),
        ("other/main", {"serviceMonitorSelector": {}}, False),
        ("other/main", {"serviceMonitorSelector": {}, "serviceMonitorNamespaceSelector": {}}, True),
        ("centre/main", {}, False),
        (
            "other/main",
            {
                "serviceMonitorSelector": {"matchLabels": {"release": "kps"}},
                "serviceMonitorNamespaceSelector": {"matchLabels": {"team": "power"}},
            },
            True,
        ),
        (
            "other/main",
            {
                "serviceMonitorSelector": {},
                "serviceMonitorNamespaceSelector": {"matchLabels": {"team": "web"}},
            },
            False,
        ),
    ],
)
def test_a_prometheus_takes_what_both_its_selectors_match(
    name: str, spec: dict[str, object], taken: bool
) -> None:
    found = selected(MONITOR, {name: spec})
    assert found.seen == 1
    assert (list(found.taken_by) == [name]) == taken
    assert bool(found.wanting) != taken


def test_one_of_many_is_enough() -> None:
    found = selected(MONITOR, {"centre/a": {}, "centre/b": {"serviceMonitorSelector": {}}})
    assert list(found.taken_by) == ["centre/b"]
    assert "Prometheus centre/a wants no ServiceMonitor at all" in found.wanting[0]


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=5))
def test_labels_are_what_they_select(labels: dict[str, str]) -> None:
    assert not list(unmet({"matchLabels": labels}, labels))


def test_conditions_of_another_kind_say_nothing_of_taking() -> None:
    other = {"type": "Other", "status": "True"}
    assert bound([{"namespace": "a", "name": "b", "conditions": [other]}]).taken_by == []
