"""The dashboard of a fleet of BMCs: power, energy, and failing targets."""

from collections.abc import Iterator
from functools import partial

from rackwatt_operator.manifests.dashboards.grafana import COUNT, Panel, Query, errors_panel, stat
from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import JOB, select, with_name
from rackwatt_operator.manifests.rules import power

_JOULES_OF_A_KILOWATT_HOUR = "3.6e6"


def fleet_panels(params: Params, recorded: bool) -> Iterator[Panel]:
    """Go through the panels; with `recorded`, sums come from the rules' own series."""
    yield from _now(params, recorded)
    yield from _over_time(params, recorded)
    yield from _nodes(params)
    yield from _polls(params)
    if params.bindings:
        yield _by_state(params)
    if params.bindings and recorded:
        yield from map(partial(_by_holder, params), power.HOLDERS)


def _now(params: Params, recorded: bool) -> Iterator[Panel]:
    up = select(params, "rackwatt_target_up")
    targets = f"sum({select(params, 'rackwatt_targets')})"
    energy = select(params, "rackwatt_node_energy_joules_total")
    joules = f"sum(increase({energy}[$__range]))"
    yield stat(
        "Power",
        _power(params, recorded, "job"),
        "watt",
        "Of all targets that answer, now.",
    )
    yield stat(
        "Energy",
        f"{joules} / {_JOULES_OF_A_KILOWATT_HOUR}",
        "kwatth",
        "Counted in the time shown. Time without readings is not estimated.",
    )
    yield stat("Targets", targets, COUNT, "Targets that the resource lists.")
    yield stat("Reachable", f"sum({up})", COUNT, "Targets whose last poll returned watts.")


def _over_time(params: Params, recorded: bool) -> Iterator[Panel]:
    for level in ("type", "rack"):
        yield Panel(
            title=f"Power by {level}",
            kind="timeseries",
            queries=(
                Query(
                    with_name(_power(params, recorded, level), level, "(none)"), f"{{{{{level}}}}}"
                ),
            ),
            unit="watt",
            description=f"Sum of watts by the {level} that the resource states.",
            stacked=True,
        )


def _nodes(params: Params) -> Iterator[Panel]:
    power = select(params, "rackwatt_node_power_watts")
    up = select(params, "rackwatt_target_up")
    info = select(params, "rackwatt_target_info")
    yield Panel(
        title="Nodes that draw most",
        kind="table",
        queries=(Query(f"topk(20, {power})"),),
        unit="watt",
        description="The twenty largest readings.",
        value="Power",
    )
    yield Panel(
        title="Nodes that are not measured",
        kind="table",
        queries=(Query(f"{info} and on ({JOB}, node) {up} == 0"),),
        unit="short",
        description="Targets whose last poll failed; the collector's page shows why.",
    )


def _polls(params: Params) -> Iterator[Panel]:
    errors = select(params, "rackwatt_target_errors_total")
    age = select(params, "rackwatt_target_reading_age_seconds")
    duration = select(params, "rackwatt_target_read_duration_seconds")
    yield errors_panel("Failed polls by reason", errors)
    yield Panel(
        title="Age of readings and duration of polls",
        kind="timeseries",
        queries=(
            Query(f"quantile(0.5, {age})", "age, median"),
            Query(f"quantile(0.99, {age})", "age, 99th percentile"),
            Query(f"quantile(0.99, {duration})", "duration, 99th percentile"),
        ),
        unit="s",
        description="Ages are less than an interval while polls succeed.",
    )


def _by_state(params: Params) -> Panel:
    power = select(params, "rackwatt_node_power_watts")
    state = select(params, "rackwatt_node_state")
    # A target that moves to another shard may have two series for some minutes.
    joined = f"{power} * on ({JOB}, node) group_left (state) max by ({JOB}, node, state) ({state})"
    return Panel(
        title="Power by state",
        kind="timeseries",
        queries=(Query(f"sum by (state) ({joined})", "{{state}}"),),
        unit="watt",
        description="Watts of the nodes in each state: what idle ones cost.",
        width=24,
        stacked=True,
    )


def _power(params: Params, recorded: bool, level: str) -> str:
    """Ask for watts added up by level: for the series that the rules keep, or for the sum."""
    if recorded:
        return select(params, f"{level}:rackwatt_node_power_watts:sum")
    power = select(params, "rackwatt_node_power_watts")
    return f"sum({power})" if level == "job" else f"sum by ({level}) ({power})"


def _by_holder(params: Params, holder: str) -> Panel:
    by = f'by="{holder}"'
    held = select(params, power.NAME, by, f'{holder}!=""')
    rest = select(params, power.NAME, by, f'{holder}=""')
    return Panel(
        title=f"Power by {holder}",
        kind="timeseries",
        queries=(
            Query(f"topk(15, sum by ({holder}) ({held}))", f"{{{{{holder}}}}}"),
            Query(f"sum({rest})", "not attributed"),
        ),
        unit="watt",
        description=f"Watts of nodes, divided by what jobs of each {holder} hold of them.",
        width=8,
        stacked=True,
    )
