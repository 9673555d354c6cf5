"""Documents of this machine and of the grid, with every setting decided."""

from pathlib import Path

import pytest

from rackwatt_crds.grid.static import StaticIntensity
from rackwatt_crds.loading import load
from rackwatt_exporter.config.collector import CollectorConfig
from rackwatt_exporter.config.fleet import Fleet, fleet
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
    return fleet(load(text.encode(), "f.yaml"))


def test_what_is_not_said_has_its_default() -> None:
    built = resolved("node: {collectors: [rapl, cpu]}")
    assert built.problems == ()
    assert built.instruments == {
        "rapl": CollectorConfig("rapl", "a"),
        "cpu": CollectorConfig("cpu", "a"),
    }
    assert built.instruments["cpu"].schedule == Schedule(30.0, 10.0, 90.0, 60.0)
    assert built.targets == {}


def test_the_times_of_the_document_are_those_of_its_collectors() -> None:
    built = resolved("interval: 2m, timeout: 3s, maxBackoff: 5m, node: {collectors: [cpu]}")
    assert built.instruments["cpu"].schedule == Schedule(120.0, 3.0, 360.0, 300.0)


@pytest.mark.parametrize("kind", ["node: {collectors: [cpu]}", "grid: {zone: FR, static: {gramsPerKilowattHour: 1}}"])  # fmt: skip
def test_an_answer_cannot_be_stale_before_the_next_is_due(kind: str) -> None:
    built = resolved(f"staleAfter: 5s, {kind}")
    assert "spec.staleAfter: 5s is shorter than the interval, 30s" in built.problems[0]
    assert not built.instruments
    assert not built.feeds


def test_a_collector_measures_for_one_document_alone() -> None:
    built = resolved("node: {collectors: [cpu]}", "node: {collectors: [rapl, cpu]}")
    assert built.instruments["cpu"].document == "a"
    (problem,) = built.problems
    assert "PowerTarget b: spec.node.collectors[1]: cpu measures this node for 'a'" in problem


def test_a_scheduler_that_no_document_has_is_told() -> None:
    built = resolved("schedulerRef: {name: none}, node: {collectors: [cpu]}")
    assert built.instruments["cpu"].scheduler == "none"
    assert "no usable SchedulerBinding is named 'none'" in built.problems[0]


def test_a_zone_has_its_figure_from_one_document() -> None:
    french = "grid: {zone: FR, static: {gramsPerKilowattHour: 56}}"
    built = resolved(french, french, french.replace("FR", "DE"))
    assert built.feeds["FR/static"] == GridConfig(
        "a", "FR", "static", StaticIntensity(grams_per_kilowatt_hour=56.0)
    )
    assert set(built.feeds) == {"FR/static", "DE/static"}
    assert "PowerTarget b: spec.grid: FR/static is told for 'a' already" in built.problems[0]


def test_what_is_inside_and_the_grid_are_the_first_shards() -> None:
    whole = resolved("node: {collectors: [cpu]}", "grid: {zone: FR, static: {gramsPerKilowattHour: 1}}")  # fmt: skip
    first, second = Shard(1, 2).part(whole), Shard(2, 2).part(whole)
    assert (first.instruments, first.feeds) == (whole.instruments, whole.feeds)
    assert (second.instruments, second.feeds) == ({}, {})


@pytest.mark.parametrize("name", ["node.yaml", "grid.yaml", "exporter.yaml"])
def test_the_examples_resolve(name: str) -> None:
    built = fleet(load((EXAMPLES / name).read_bytes(), name))
    assert built.problems == ()
    assert built.instruments or built.feeds or built.bindings
