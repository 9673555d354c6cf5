"""Matching of a scheduler's node names with those of targets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.store.node_names import Join, our_key, their_key


@pytest.mark.parametrize(
    ("rule", "theirs", "ours"),
    [
        (None, "n1", "n1"),
        ("short", "n1", "n1.cluster.example"),
        ("short", "n1.hpc.example", "n1"),
        ("short", "N1.hpc.example", "n1.mgmt.example"),
        ("short", "10.0.0.1", "10.0.0.1"),
        ("short", "n1.", "N1"),
        ("fqdn", "N1.Cluster.Example.", "n1.cluster.example"),
        ("fqdn", "n1", "N1"),
        ("{name}.cluster.example", "n1", "n1.cluster.example"),
        ("{name}.cluster.example", "N1", "n1.Cluster.example"),
        ("{short}", "n1.hpc.example", "n1"),
        ("bmc-{short}.mgmt", "n1.hpc.example", "bmc-n1.mgmt"),
    ],
)
def test_node_names_that_match_have_one_state(rule: str | None, theirs: str, ours: str) -> None:
    join = Join(rule, {theirs: "idle"}, [ours])
    assert join.match(ours) == "idle"
    assert (set(join.unmatched.targets), set(join.unmatched.nodes)) == (set(), set())


@pytest.mark.parametrize(
    ("rule", "theirs", "ours"),
    [
        (None, "n1", "N1"),
        (None, "n1", "n1.cluster.example"),
        ("short", "n1", "n2.cluster.example"),
        ("short", "10.0.0.1", "10.0.0.2"),
        ("fqdn", "n1", "n1.cluster.example"),
        ("{name}.cluster.example", "n1.cluster.example", "n1"),
        ("{name}.cluster.example", "n1", "n1"),
    ],
)
def test_node_names_without_a_match_are_listed(rule: str | None, theirs: str, ours: str) -> None:
    join = Join(rule, {theirs: "idle"}, [ours])
    assert join.match(ours) is None
    assert (list(join.unmatched.targets), list(join.unmatched.nodes)) == ([ours], [theirs])


def test_node_names_give_no_state_if_two_scheduler_nodes_share_a_short_name() -> None:
    join = Join("short", {"n1.a": "idle", "n1.b": "down", "n2.a": "mixed"}, ["n1", "n2"])
    assert (join.match("n1"), join.match("n2")) == (None, "mixed")
    assert set(join.unmatched.targets) == {"n1"}
    assert set(join.unmatched.nodes) == {"n1.a", "n1.b"}


def test_node_names_give_no_state_if_two_targets_share_a_short_name() -> None:
    join = Join("short", {"n1": "idle", "n2": "mixed"}, ["n1.a", "n1.b", "n2.a"])
    assert (join.match("n1.a"), join.match("n1.b"), join.match("n2.a")) == (None, None, "mixed")
    assert set(join.unmatched.targets) == {"n1.a", "n1.b"}
    assert set(join.unmatched.nodes) == {"n1"}


NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9-]{0,8}(\.[A-Za-z0-9-]{1,8}){0,3}\.?", fullmatch=True)
RULES = st.sampled_from([None, "short", "fqdn", "{name}.x", "a-{short}", "{name}"])


@given(RULES, st.dictionaries(NAMES, st.sampled_from(["idle", "down"])), st.sets(NAMES))
def test_node_names_give_the_state_of_the_only_match_or_none(
    rule: str | None, states: dict[str, str], nodes: set[str]
) -> None:
    join = Join(rule, states, nodes)
    matched = 0
    for node in nodes:
        same = [
            name
            for name in states
            if (name == node if rule is None else their_key(rule, name) == our_key(rule, node))
        ]
        rivals = [
            other
            for other in nodes
            if (other == node if rule is None else our_key(rule, other) == our_key(rule, node))
        ]
        expected = states[same[0]] if len(same) == len(rivals) == 1 else None
        assert join.match(node) == expected
        assert (node in join.unmatched.targets) == (expected is None)
        matched += expected is not None
    assert len(join.unmatched.nodes) == len(states) - matched
