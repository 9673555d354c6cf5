"""Power of units where only a remote BMC measures: parts add up to the BMC's watts."""

import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rackwatt_operator.manifests.rules.unit_power import NODE, SYSTEM, UNIT
from tests.operator.manifests.builders import nodes, only, planned
from tests.operator.manifests.promql_parser import families
from tests.operator.manifests.promtool import check, check_empty

DOCS = Path(__file__).parents[3] / "docs"
RULES = DOCS / "examples/prometheus/unit_power.rules.yaml"
OURS = (NODE, UNIT, SYSTEM)
INSIDE = nodes("cpu").replace("[cpu]", "[cpu], units: {slurm: {}}")


def expressions(text: str) -> dict[str, str]:
    groups = only(planned(text), "PrometheusRule")["spec"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    return {rule["record"]: rule["expr"] for rule in rules if rule.get("record") in OURS}


@pytest.mark.parametrize(
    ("node", "are_there"),
    [
        ("collectors: [cpu], units: {slurm: {}}", True),
        ("collectors: [auto], units: {kubernetes: {}}", True),
        ("units: {slurm: {}}", True),
        ("collectors: [rapl], units: {slurm: {}}", False),  # all CPU time is not known
        ("collectors: [cpu]", False),
    ],
)
def test_power_of_units_is_recorded_where_their_share_of_all_cpu_time_is_known(
    node: str, are_there: bool, tmp_path: Path
) -> None:
    text = nodes().replace("collectors: [rapl, cpu]", node)
    assert list(expressions(text)) == (list(OURS) if are_there else [])
    assert "SUCCESS" in check(planned(text), tmp_path)


def test_watts_are_those_of_fleets_of_the_same_namespace() -> None:
    expression = expressions(INSIDE)[NODE]
    assert 'rackwatt_node_power_watts{namespace="power"}' in expression
    assert 'rackwatt_node_cpu_seconds_total{namespace="power",job="pt-lab",' in expression
    assert families(expression) == {
        "rackwatt_node_power_watts",
        "rackwatt_node_cpu_seconds_total",
        "rackwatt_node_energy_source_info",
    }


class Machine(NamedTuple):
    """A node: its BMC's watts, its busy CPUs, and the CPUs that units use; None is not known."""

    watts: float | None
    busy: float | None
    units: tuple[float, ...]
    has_ledger: bool = False


def series(machines: list[Machine]) -> dict[str, str]:
    """Write the series of nodes over ten minutes, a sample a minute."""
    made = {}
    for number, one in enumerate(machines):
        name = f'node="n{number}"'
        if one.watts is not None:
            made[f"rackwatt_node_power_watts{{{name}}}"] = f"{one.watts!r}x10"
        if one.busy is not None:
            for mode, cpus in (("user", one.busy), ("idle", 9.0), ("steal", 3.0)):
                family = f'rackwatt_node_cpu_seconds_total{{{name},mode="{mode}"}}'
                made[family] = f"0+{cpus * 60!r}x10"
        for unit, cpus in enumerate(one.units):
            for mode, part in (("user", 0.75), ("system", 0.25)):
                labels = f'{name},manager="slurm",unit="{unit}",mode="{mode}"'
                family = f"rackwatt_unit_cpu_seconds_total{{{labels}}}"
                made[family] = f"0+{cpus * part * 60!r}x10"
        if one.has_ledger:
            labels = f'{name},source="rapl",gpus=""'
            made[f"rackwatt_node_energy_source_info{{{labels}}}"] = "1x10"
    return made


def wrong(machines: list[Machine], queries: list[str]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        check_empty(planned(INSIDE), series(machines), queries, Path(directory))


CPUS = st.integers(0, 64).map(lambda eighths: eighths / 8)
MACHINES = st.builds(
    Machine,
    watts=st.none() | st.floats(0, 1e5),
    busy=st.none() | CPUS,
    units=st.lists(CPUS, max_size=3).map(tuple),
    has_ledger=st.booleans(),
)


@settings(max_examples=40)
@given(st.lists(MACHINES, max_size=5))
def test_units_and_the_system_add_up_to_the_watts_of_the_bmc(machines: list[Machine]) -> None:
    queries = []
    for number, one in enumerate(machines):
        of_it = f'{{node="n{number}"}}'
        parts = f"(sum({UNIT}{of_it}) or vector(0)) + sum({SYSTEM}{of_it})"
        if one.watts is None or one.busy is None or one.has_ledger:
            queries += [f"{name}{of_it}" for name in OURS]
            continue
        tolerance = 1e-9 * (1 + one.watts)
        queries.append(f"abs({parts} - {one.watts!r}) > {tolerance!r}")
        queries.append(f"absent({parts})")
        queries.append(f"{SYSTEM}{of_it} < -{tolerance!r}")
    if queries:
        wrong(machines, queries)


@settings(max_examples=20)
@given(st.floats(1, 1e5), CPUS, st.lists(CPUS.filter(bool), min_size=1, max_size=3).map(tuple))
def test_a_unit_has_the_watts_of_its_share_of_the_cpu_time_that_was_used(
    watts: float, busy: float, units: tuple[float, ...]
) -> None:
    queries = []
    for number, cpus in enumerate(units):
        expected = watts * cpus / max(busy, sum(units))
        recorded = f'{UNIT}{{node="n0",manager="slurm",unit="{number}"}}'
        queries += [
            f"abs({recorded} - {expected!r}) > {1e-9 * (1 + watts)!r}", f"absent({recorded})"
        ]  # fmt: skip
    wrong([Machine(watts, busy, units)], queries)


def test_a_node_that_two_targets_measure_counts_once(tmp_path: Path) -> None:
    given_series = series([Machine(100.0, 2.0, (1.0,))])
    given_series['rackwatt_node_power_watts{node="n0",type="pdu"}'] = "90x10"
    queries = [f"abs({UNIT} - 50) > 1e-6", f"absent({UNIT})", f"abs({NODE} - 100) > 1e-6"]
    check_empty(planned(INSIDE), given_series, queries, tmp_path)


def test_the_rules_for_a_prometheus_without_the_operator_are_those_of_the_operator() -> None:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    assert [rule["record"] for rule in rules] == list(OURS)
    assert not any("namespace=" in rule["expr"] for rule in rules)
    assert UNIT in (DOCS / "energy.md").read_text()
