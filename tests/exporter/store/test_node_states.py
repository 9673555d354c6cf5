"""Store of scheduler states: the state of each target, and warnings about incomplete answers."""

import logging

import pytest
from msgspec.structs import replace

from rackwatt_crds.schedulers.noop import Noop
from rackwatt_exporter.config.options import FakeOptions
from rackwatt_exporter.config.scheduler import SchedulerConfig
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.schedulers.model.node import NodeShare
from rackwatt_exporter.schedulers.model.numbers import Numbers
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.store.ledger_file import LedgerFile
from rackwatt_exporter.store.node_names import Unmatched
from rackwatt_exporter.store.node_states import NodeStateStore
from rackwatt_exporter.store.targets import TargetStore
from tests.exporter.schedulers.snapshots import snapshot


class Site:
    """Targets and two schedulers, with a clock of their own."""

    def __init__(self, rule: str | None, *nodes: str, **others: str) -> None:
        self.now_s = 100.0
        self.targets = TargetStore(LedgerFile(None), lambda: self.now_s, lambda: self.now_s)
        self.targets.sync(
            Target(node, node, "fake", FakeOptions(), "lab", kind, scheduler="prod")
            for node, kind in (dict.fromkeys(nodes, "compute") | others).items()
        )
        self.schedulers = NodeStateStore(self.targets, lambda: self.now_s)
        self.bind(rule)

    def bind(self, rule: str | None) -> None:
        self.schedulers.sync(
            [
                SchedulerConfig("prod", "prod", "alpha", "noop", Noop(), rule, stale_after_s=60),
                SchedulerConfig("test", "test", "beta", "noop", Noop(), stale_after_s=60),
            ]
        )

    def answer(self, note: str = "", **states: str) -> None:
        self.schedulers.succeeded("prod", snapshot(states, note=note), 0.1)

    def state(self, node: str) -> str | None:
        return self.targets.states.get(node)


def test_node_states_give_a_target_the_state_of_the_matching_node() -> None:
    site = Site("short", "N1.cluster.example", "n2")
    site.answer(n1="idle", n3="down")
    assert (site.state("N1.cluster.example"), site.state("n2")) == ("idle", None)
    assert site.schedulers.unmatched("prod") == Unmatched({"n2"}, {"n3"})


def test_node_states_give_a_target_the_shares_of_the_matching_node() -> None:
    site = Site("short", "N1.cluster.example", "n2", "n3")
    shares = {name: (NodeShare(0.5, name),) for name in ("n1", "n2.a", "n2.b", "n9")}
    nodes = snapshot(dict.fromkeys((*shares, "n3"), "mixed"))
    site.schedulers.succeeded("prod", replace(nodes, shares=shares), 0.1)
    assert site.schedulers.shares("prod") == {"N1.cluster.example": shares["n1"]}
    assert site.schedulers.shares("prod") is site.schedulers.shares("prod")
    site.now_s += 61
    site.schedulers.withdraw_stale()
    assert site.schedulers.shares("prod") == site.schedulers.shares("test") == {}


def test_node_states_apply_a_changed_name_rule_at_once() -> None:
    site = Site(None, "n1.cluster.example")
    site.answer(n1="idle")
    assert site.state("n1.cluster.example") is None
    site.bind("{name}.cluster.example")
    assert site.state("n1.cluster.example") == "idle"


def test_node_states_compare_no_names_with_an_unused_or_silent_scheduler() -> None:
    site = Site(None, "n1")
    assert site.schedulers.unmatched("prod") is None
    site.schedulers.succeeded("test", snapshot({"n1": "idle"}), 0.1)
    assert site.schedulers.unmatched("test") is None
    site.answer(n1="idle")
    assert site.schedulers.unmatched("prod") == Unmatched(set(), set())
    site.now_s += 61
    site.schedulers.withdraw_stale()
    assert site.schedulers.unmatched("prod") is None
    assert site.state("n1") is None


def test_node_states_miss_no_name_of_a_target_that_is_no_node() -> None:
    site = Site(None, "n1", pdu1="core", g1="gpu", login1="login")
    site.answer(n1="idle", login1="idle")
    assert site.schedulers.unmatched("prod") == Unmatched({"g1"}, set())
    assert site.state("login1") == "idle"


def test_node_states_miss_names_of_a_sites_own_type_where_the_scheduler_knows_one() -> None:
    site = Site(None, "n1", b1="bigmem", b2="bigmem", pdu1="pdu", s1="storage", s2="storage")
    site.answer(n1="idle", b1="idle", s1="idle")
    assert site.schedulers.unmatched("prod") == Unmatched({"b2"}, set())
    site.answer(n1="idle", b1="idle", b2="down", s1="idle")
    assert site.schedulers.unmatched("prod") == Unmatched(set(), set())


def test_node_states_miss_names_of_every_own_type_where_the_scheduler_knows_no_name() -> None:
    site = Site(None, b1="bigmem", login1="login", pdu1="core")
    site.answer(**{"b1.cluster.example": "idle", "login1": "idle"})
    assert site.schedulers.unmatched("prod") == Unmatched({"b1"}, {"b1.cluster.example"})


def test_node_states_compare_no_names_where_no_target_is_a_node() -> None:
    site = Site(None, pdu1="core")
    site.answer(n1="idle")
    assert site.schedulers.unmatched("prod") is None


def test_node_states_include_the_node_of_the_exporter() -> None:
    site = Site("short")
    site.answer(n1="idle", n2="down")
    site.schedulers.place("prod", "n1.cluster.example")
    assert site.schedulers.state("prod", "n1.cluster.example") == "idle"
    assert site.schedulers.unmatched("prod") == Unmatched(set(), {"n2"})


def test_node_states_log_missing_nodes_once_until_they_change(
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = Site(None, "n1")
    with caplog.at_level(logging.WARNING):
        for note in ("", "n7 has no state", "n7 has no state", "", "n7 has no state"):
            site.answer(note, n1="idle")
    assert caplog.messages == ["scheduler prod: n7 has no state"] * 2


def test_no_name_is_missing_in_numbers_of_nodes_without_names() -> None:
    site = Site("short", "n1")
    numbers = Numbers({"idle": 1}, {}, {}, {})
    site.schedulers.succeeded("prod", SchedulerSnapshot({}, numbers=numbers), 0.1)
    assert site.schedulers.unmatched("prod") is None
    assert site.state("n1") is None
