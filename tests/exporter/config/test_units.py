"""Resolved managers of units."""

from rackwatt_crds.node.units import KubernetesUnits, SlurmUnits
from rackwatt_exporter.config.shard import Shard
from rackwatt_exporter.config.units import UnitsConfig
from tests.exporter.config.test_collector import resolved


def test_each_manager_that_a_document_names_is_read_at_its_interval() -> None:
    built = resolved("interval: 2m, node: {units: {slurm: {steps: true}, kubernetes: {}}}")
    assert built.problems == ()
    assert built.units == {
        "slurm": UnitsConfig("slurm", "a", SlurmUnits(steps=True), built.units["slurm"].schedule),
        "kubernetes": UnitsConfig(
            "kubernetes", "a", KubernetesUnits(), built.units["slurm"].schedule
        ),
    }
    assert built.units["slurm"].schedule.interval_s == 120.0


def test_a_node_without_units_has_none() -> None:
    assert resolved("node: {collectors: [cpu]}").units == {}


def test_a_manager_is_read_for_one_document_alone() -> None:
    built = resolved(
        "node: {collectors: [cpu], units: {slurm: {}}}",
        "node: {collectors: [rapl], units: {slurm: {}, pbs: {}}}",
    )
    assert built.units["slurm"].document == "a"
    (problem,) = built.problems
    assert "PowerTarget b: spec.node.units.slurm: already configured by PowerTarget 'a'" in problem


def test_a_manager_that_is_misspelt_is_refused_with_its_path() -> None:
    (problem,) = resolved("node: {units: {slrum: {}}}").problems
    assert "spec.node.units.slrum: unknown field; did you mean slurm?" in problem


def test_units_belong_to_the_first_shard() -> None:
    whole = resolved("node: {units: {slurm: {}}}")
    assert Shard(1, 2).select(whole).units == whole.units
    assert Shard(2, 2).select(whole).units == {}
