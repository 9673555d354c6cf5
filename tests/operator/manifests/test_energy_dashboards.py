"""Dashboards and rules of energy and units, by a real Prometheus over an exporter with real files."""

from pathlib import Path

import pytest

from tests.eventually import until
from tests.exporter.commands.exporter_process import running
from tests.exporter.web.node_site import NodeSite
from tests.operator.manifests.builders import nodes, planned
from tests.operator.manifests.promtool import raised
from tests.operator.manifests.test_dashboards import (
    Outcome,
    configuration,
    expressions,
    models,
    planned_rules,
)
from tests.peers.prometheus import prometheus

DIVIDED = nodes("rapl, cpu", "interval: 500ms").replace(
    "cpu]",
    "cpu], units: {slurm: {propertiesDirectory: /properties}}, energy: {model: {idleWatts: 10}}",
)
FAILED = ("Failed advances by reason", "Failed readings of units by reason", "Failed readings by reason")  # fmt: skip
QUIET = {
    'rackwatt_node_energy_imbalance_joules{node="w1"}': "0x180",
    'rackwatt_energy_up{node="w1"}': "1x180",
    'rackwatt_node_energy_covered_seconds_total{node="w1"}': "0+60x180",
    'rackwatt_collector_up{node="w1",collector="rapl"}': "1x180",
    'rackwatt_node_domain_energy_covered_seconds_total{node="w1",source="rapl",domain="package",zone="package-0"}': "0+60x180",
    'rackwatt_unit_manager_up{node="w1",manager="slurm"}': "1x180",
}  # fmt: skip
DOMAIN = list(QUIET)[4]


def test_prometheus_answers_every_panel_of_energy_and_units(tmp_path: Path) -> None:
    node = NodeSite(tmp_path / "node")
    node.draw(1.0, 0.1, job_7=0.1, job_8=0.1)
    (tmp_path / "documents.yaml").write_text(DIVIDED)
    (tmp_path / "properties").mkdir()
    for number in (7, 8):
        words = f"user{number % 2} account{number % 2} worker1\n"
        (tmp_path / f"properties/{number}").write_text(words)
    manifests = planned(DIVIDED)
    board = [one for one in expressions(manifests) if one[0] not in FAILED]
    assert len(board) == 28
    with running(
        "run", f"--config.file={tmp_path / 'documents.yaml'}", "--web.listen-address=127.0.0.1:0",
        f"--path.sysfs={node.tree.sysfs}", f"--path.procfs={node.tree.procfs}", "--node.name=worker1",
        f"--path.rootfs={tmp_path}",
    ) as run:  # fmt: skip
        scraped = configuration(run.url.removeprefix("http://"), manifests, tmp_path)
        with prometheus(tmp_path / "db", scraped) as peer:

            def answered(text: str) -> bool:
                node.draw(1.0, 0.001, job_7=0.002, job_8=0.006)  # as often as a real counter moves
                return bool(peer.query(text))

            def silent() -> list[str]:
                return [f"{title}: {text}" for title, text in board if not answered(text)]

            until(lambda: Outcome(silent()))
            by_user = next(text for title, text in board if title == "Power by user")

            def users() -> dict[str | None, float]:
                assert answered(by_user)
                found = peer.query(by_user)
                return {one["metric"].get("user"): float(one["value"][1]) for one in found}

            until(lambda: users().keys() == {"user0", "user1"})
            assert all(watts > 0 for watts in users().values())
            (by_account,) = [text for title, text in board if title == "Energy by account"]
            accounts = {one["metric"]["account"] for one in peer.query(by_account)}
            assert accounts == {"account0", "account1"}
            uuids = {
                one["metric"]["uuid"]
                for one in peer.query(next(text for title, text in board if title == "Energy by UUID"))
            }  # fmt: skip
            assert len(uuids) == 2
            until(lambda: all(rule["health"] != "unknown" for rule in peer.rules()))
            assert {rule["health"] for rule in peer.rules()} == {"ok"}
            assert len(peer.rules()) == len(list(planned_rules(manifests)))


def test_dashboards_of_nodes_are_those_that_their_document_has_data_for() -> None:
    assert list(models(DIVIDED)) == ["pt-lab.json", "pt-lab-energy.json", "pt-lab-units.json"]
    assert list(models(nodes())) == ["pt-lab.json"]
    alone = nodes().replace("cpu]", "cpu], energy: {}")
    assert list(models(alone)) == ["pt-lab.json", "pt-lab-energy.json"]


def firing(name: str, after: str, tmp_path: Path, **changed: str) -> list[dict[str, str]]:
    """Change some of the quiet series, and return the alerts of a name that fire."""
    return raised(planned(DIVIDED), QUIET | changed, f"Rackwatt{name}", after, tmp_path)


def test_alerts_of_energy_stay_silent_while_all_is_well(tmp_path: Path) -> None:
    names = [rule["alert"] for rule in planned_rules(planned(DIVIDED)) if "alert" in rule]
    ours = [name for name in names if "Energy" in name or "Unit" in name]
    assert len(ours) == 5
    for name in ours:
        assert raised(planned(DIVIDED), QUIET, name, "170m", tmp_path) == []


def test_imbalance_fires_for_a_ledger_that_does_not_add_up(tmp_path: Path) -> None:
    changed = {'rackwatt_node_energy_imbalance_joules{node="w1"}': "0x9 -0.000001x60"}
    (one,) = firing("EnergyImbalance", "12m", tmp_path, **changed)
    assert (one["node"], one["severity"]) == ("w1", "critical")


@pytest.mark.parametrize(
    ("name", "series", "values"),
    [
        ("EnergyUnmeasured", 'rackwatt_energy_up{node="w1"}', "1x9 0x90"),
        ("EnergyGaps", 'rackwatt_node_energy_covered_seconds_total{node="w1"}', "0+60x9 600+30x90"),
        ("EnergyGaps", 'rackwatt_node_energy_covered_seconds_total{node="w1"}', "0+60x9 600+0x90"),
        ("EnergyCounterMissed", DOMAIN, "0+60x9 600+0x90"),
        ("UnitManagerDown", 'rackwatt_unit_manager_up{node="w1",manager="slurm"}', "1x9 0x90"),
    ],
)
def test_alerts_of_energy_fire_after_some_time_and_name_the_node(
    name: str, series: str, values: str, tmp_path: Path
) -> None:
    assert firing(name, "12m", tmp_path, **{series: values}) == []
    (one,) = firing(name, "60m", tmp_path, **{series: values})
    assert (one["node"], one["severity"]) == ("w1", "warning")


def test_counter_missed_is_silent_for_a_collector_that_is_down(tmp_path: Path) -> None:
    down = {DOMAIN: "0+60x9 600+0x90", 'rackwatt_collector_up{node="w1",collector="rapl"}': "0x99"}
    assert firing("EnergyCounterMissed", "60m", tmp_path, **down) == []


def test_gaps_are_silent_for_an_exporter_that_has_just_started(tmp_path: Path) -> None:
    started = {'rackwatt_node_energy_covered_seconds_total{node="w1"}': "_x30 0+60x120"}
    for after in ("35m", "46m", "60m"):
        assert firing("EnergyGaps", after, tmp_path, **started) == []
