"""The dashboard of a fleet of BMCs: what it draws, where, and which machines do not tell."""

from collections.abc import Iterator

from rackwatt_operator.manifests.dashboards.grafana import Panel, Query, errors_panel, stat
from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import JOB, select

_JOULES_OF_A_KILOWATT_HOUR = "3.6e6"


def fleet_panels(subject: Params, recorded: bool) -> Iterator[Panel]:
    """Go through the panels; with `recorded`, sums come from the rules' own series."""
    yield from _now(subject, recorded)
    yield from _over_time(subject, recorded)
    yield from _machines(subject)
    yield from _asking(subject)
    if subject.bindings:
        yield _by_state(subject)


def _now(subject: Params, recorded: bool) -> Iterator[Panel]:
    up = select(subject, "rackwatt_target_up")
    targets = f"sum({select(subject, 'rackwatt_targets')})"
    energy = select(subject, "rackwatt_node_energy_joules_total")
    joules = f"sum(increase({energy}[$__range]))"
    yield stat("Power", _power(subject, recorded, "job"), "watt", "What all that answer draw now.")
    yield stat(
        "Energy",
        f"{joules} / {_JOULES_OF_A_KILOWATT_HOUR}",
        "kwatth",
        "What was counted in the time shown. Time that nobody saw is not guessed.",
    )
    yield stat("Targets", targets, "short", "How many the document names.")
    yield stat("Reachable", f"sum({up})", "short", "How many answered the last question.")


def _over_time(subject: Params, recorded: bool) -> Iterator[Panel]:
    for level in ("type", "rack"):
        yield Panel(
            title=f"Power by {level}",
            kind="timeseries",
            queries=(Query(_power(subject, recorded, level), f"{{{{{level}}}}}"),),
            unit="watt",
            told=f"Watts, added up by the {level} that the document says.",
            stacked=True,
        )


def _machines(subject: Params) -> Iterator[Panel]:
    power = select(subject, "rackwatt_node_power_watts")
    up = select(subject, "rackwatt_target_up")
    info = select(subject, "rackwatt_target_info")
    yield Panel(
        title="Machines that draw most",
        kind="table",
        queries=(Query(f"topk(20, {power})"),),
        unit="watt",
        told="The twenty largest readings.",
    )
    yield Panel(
        title="Machines that are not measured",
        kind="table",
        queries=(Query(f"{up} == 0 and on ({JOB}, node) {info}"),),
        unit="short",
        told="Those whose last question brought no reading; the collector's page tells why.",
    )


def _asking(subject: Params) -> Iterator[Panel]:
    errors = select(subject, "rackwatt_target_errors_total")
    age = select(subject, "rackwatt_target_reading_age_seconds")
    duration = select(subject, "rackwatt_target_read_duration_seconds")
    yield errors_panel("Questions without a reading", errors)
    yield Panel(
        title="Age of readings, and how long they take",
        kind="timeseries",
        queries=(
            Query(f"quantile(0.5, {age})", "age, half of them"),
            Query(f"quantile(0.99, {age})", "age, 99 of 100"),
            Query(f"quantile(0.99, {duration})", "taken, 99 of 100"),
        ),
        unit="s",
        told="Ages stay within an interval while all is well.",
    )


def _by_state(subject: Params) -> Panel:
    power = select(subject, "rackwatt_node_power_watts")
    state = select(subject, "rackwatt_node_state")
    # A target that moves to another shard may be told twice for a while.
    joined = f"{power} * on ({JOB}, node) group_left (state) max by ({JOB}, node, state) ({state})"
    return Panel(
        title="Power by state",
        kind="timeseries",
        queries=(Query(f"sum by (state) ({joined})", "{{state}}"),),
        unit="watt",
        told="Watts of the machines in each state: what idle ones cost.",
        width=24,
        stacked=True,
    )


def _power(subject: Params, recorded: bool, level: str) -> str:
    """Ask for watts added up by level: for the series that the rules keep, or for the sum."""
    if recorded:
        return select(subject, f"{level}:rackwatt_node_power_watts:sum")
    power = select(subject, "rackwatt_node_power_watts")
    return f"sum({power})" if level == "job" else f"sum by ({level}) ({power})"
