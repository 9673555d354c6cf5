"""Resolved documents of collectors and of the grid."""

from pathlib import Path

import pytest

from rackwatt_crds.grid.static import StaticIntensity
from rackwatt_crds.loading import load
from rackwatt_crds.node.requirements import REQUIREMENTS
from rackwatt_exporter.config.collector import CollectorConfig
from rackwatt_exporter.config.fleet import Fleet, resolve_fleet
from rackwatt_exporter.config.grid import GridConfig
from rackwatt_exporter.config.schedule import Schedule
from rackwatt_exporter.config.shard import Shard

EXAMPLES = Path(__file__).parents[3] / "docs/examples"


def resolved(*specs: str) -> Fleet:
    text = "".join(
        "---\napiVersion: rackwatt.dev/v1alpha1\nkind: PowerTarget\n"
        f"metadata: {{name: {name}}}\nspec: {{{spec}}}\n"
        for name, spec in zip("abc", specs, strict=False)
    )
    return resolve_fleet(load(text.encode(), "f.yaml"))


def test_an_absent_field_has_its_default() -> None:
    built = resolved("node: {collectors: [rapl, cpu]}")
    assert built.problems == ()
    assert built.collectors == {
        "rapl": CollectorConfig("rapl", "a"),
        "cpu": CollectorConfig("cpu", "a"),
    }
    assert built.collectors["cpu"].schedule == Schedule(30.0, 10.0, 90.0, 60.0)
    assert built.targets == {}


def test_the_times_of_the_document_are_those_of_its_collectors() -> None:
    built = resolved("interval: 2m, timeout: 3s, maxBackoff: 5m, node: {collectors: [cpu]}")
    assert built.collectors["cpu"].schedule == Schedule(120.0, 3.0, 360.0, 300.0)


@pytest.mark.parametrize("kind", ["node: {collectors: [cpu]}", "grid: {zone: FR, static: {gramsPerKilowattHour: 1}}"])  # fmt: skip
def test_an_answer_cannot_be_stale_before_the_next_is_due(kind: str) -> None:
    built = resolved(f"staleAfter: 5s, {kind}")
    assert "spec.staleAfter: 5s is shorter than the interval, 30s" in built.problems[0]
    assert not built.collectors
    assert not built.grids


def test_a_collector_measures_for_one_document_alone() -> None:
    built = resolved("node: {collectors: [cpu]}", "node: {collectors: [rapl, cpu]}")
    assert built.collectors["cpu"].document == "a"
    (problem,) = built.problems
    assert (
        "PowerTarget b: spec.node.collectors[1]: cpu is already configured by PowerTarget 'a'"
        in problem
    )


def test_auto_and_no_collectors_resolve_to_all_of_them() -> None:
    for spec in ("node: {}", "node: {collectors: [auto]}"):
        assert set(resolved(spec).collectors) == set(REQUIREMENTS)
        assert all(one.automatic for one in resolved(spec).collectors.values())
    both = resolved("node: {collectors: [cpu, auto]}").collectors
    assert (both["cpu"].automatic, both["rapl"].automatic) == (False, True)


def test_a_collector_of_auto_measures_for_one_document_alone() -> None:
    built = resolved("node: {collectors: [rapl]}", "node: {}")
    assert "b: spec.node.collectors: rapl is already configured by PowerTarget 'a'" in str(
        built.problems
    )


def test_a_collector_with_a_wrong_pattern_is_left_out_and_reported() -> None:
    built = resolved("node: {collectors: [netdev, cpu], netdev: {include: 'eth[', exclude: lo}}")
    assert set(built.collectors) == {"cpu"}
    (problem,) = built.problems
    assert "spec.node.netdev.include: 'eth[' is no regular expression" in problem


def test_an_unknown_scheduler_is_reported() -> None:
    built = resolved("schedulerRef: {name: none}, node: {collectors: [cpu]}")
    assert built.collectors["cpu"].scheduler == "none"
    assert "no valid SchedulerBinding is named 'none'" in built.problems[0]


def test_a_zone_has_its_figure_from_one_document() -> None:
    french = "grid: {zone: FR, static: {gramsPerKilowattHour: 56}}"
    built = resolved(french, french, french.replace("FR", "DE"))
    assert built.grids["FR/static"] == GridConfig(
        "a", "FR", "static", StaticIntensity(grams_per_kilowatt_hour=56.0)
    )
    assert set(built.grids) == {"FR/static", "DE/static"}
    assert (
        "PowerTarget b: spec.grid: FR/static is already configured by PowerTarget 'a'"
        in built.problems[0]
    )


def test_collectors_and_grid_zones_belong_to_the_first_shard() -> None:
    whole = resolved("node: {collectors: [cpu]}", "grid: {zone: FR, static: {gramsPerKilowattHour: 1}}")  # fmt: skip
    first, second = Shard(1, 2).select(whole), Shard(2, 2).select(whole)
    assert (first.collectors, first.grids) == (whole.collectors, whole.grids)
    assert (second.collectors, second.grids) == ({}, {})


@pytest.mark.parametrize("name", ["node.yaml", "grid.yaml", "exporter.yaml"])
def test_the_examples_resolve(name: str) -> None:
    built = resolve_fleet(load((EXAMPLES / name).read_bytes(), name))
    assert built.problems == ()
    assert built.collectors or built.grids or built.schedulers
