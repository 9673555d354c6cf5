"""The dashboard of units: who draws power on nodes, and what their jobs have used.

A family of a unit has its id alone. Whose it is comes from `rackwatt_unit_info`, whose labels may
be known later than the first sample: of several, one that has a name counts. Its label
`namespace` is the unit's, so that it is not joined by that.
"""

from collections.abc import Iterator

from rackwatt_operator.manifests.dashboards.grafana import COUNT, Panel, Query, errors_panel, stat
from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import select, select_by_job, with_name

_MOST = 20
_UNIT = "job, service, node, manager, unit"
_RATE = "$__rate_interval"
_RANGE = "$__range"


def unit_panels(params: Params) -> Iterator[Panel]:
    """Go through the panels."""
    units = select(params, "rackwatt_units")
    power = select(params, "rackwatt_unit_power_watts")
    energy = select(params, "rackwatt_unit_energy_joules_total")
    yield stat("Units", f"sum({units})", COUNT, "Jobs, virtual machines and pods that run now.")
    yield stat("Power", f"sum({power})", "watt", "Of all units, now.")
    joules = f"sum(increase({energy}[{_RANGE}])) / 3.6e6"
    yield stat("Energy", joules, "kwatth", "Of units that were scraped twice, in the time shown.")
    up = select(params, "rackwatt_unit_manager_up")
    yield stat("Managers read", f"avg({up})", "percentunit", "Of all nodes, now.")
    for holder in ("user", "account"):
        yield _most(params, f"Power by {holder}", power, holder, _RATE, "watt")
        yield _most(
            params, f"Energy by {holder}", f"increase({energy}[{_RANGE}]) / 3.6e6",
            holder, _RANGE, "kwatth", kind="table",
        )  # fmt: skip
    yield from _by_job(params, power, energy)
    cpu = select(params, "rackwatt_unit_cpu_seconds_total")
    memory = select(params, "rackwatt_unit_memory_used_bytes")
    yield _most(params, "CPUs busy by user", f"rate({cpu}[{_RATE}])", "user", _RATE, "short")
    yield _most(params, "Memory by user", memory, "user", _RATE, "bytes")
    yield errors_panel(
        "Failed readings of units by reason", select(params, "rackwatt_unit_manager_errors_total")
    )


def _by_job(params: Params, power: str, energy: str) -> Iterator[Panel]:
    """Show the largest jobs: a job of several nodes is one, by its id or, if known, its UUID."""
    by_unit = f"topk({_MOST}, sum by (manager, unit) ({power}))"
    yield Panel(
        title="Power by unit",
        kind="timeseries",
        queries=(Query(by_unit, "{{manager}} {{unit}}"),),
        unit="watt",
        description=f"The {_MOST} that draw most, of all their nodes.",
    )
    yield _most(
        params, "Energy by UUID", f"increase({energy}[{_RANGE}]) / 3.6e6",
        "uuid", _RANGE, "kwatth", kind="table",
    )  # fmt: skip


def _most(
    params: Params,
    title: str,
    series: str,
    holder: str,
    window: str,
    unit: str,
    kind: str = "timeseries",
) -> Panel:
    joined = f"({series}) * on ({_UNIT}) group_left ({holder}) ({_whose(params, holder, window)})"
    largest = f"topk({_MOST}, sum by ({holder}) ({joined}))"
    return Panel(
        title=title,
        kind="table" if kind == "table" else "timeseries",
        queries=(Query(with_name(largest, holder, "(unknown)"), f"{{{{{holder}}}}}"),),
        unit=unit,
        description=f"The {_MOST} with the most.",
        stacked=kind != "table",
        value="Energy" if kind == "table" else "",
    )


def _whose(params: Params, holder: str, window: str) -> str:
    """Ask once for each unit whose it was in a window, 1 for each; empty where no user is known."""
    known = select_by_job(params, "rackwatt_unit_info", f'{holder}!=""')
    every = select_by_job(params, "rackwatt_unit_info")
    named = f"max by ({_UNIT}, {holder}) (last_over_time({known}[{window}]))"
    nameless = f"max by ({_UNIT}) (last_over_time({every}[{window}]))"
    return f"topk by ({_UNIT}) (1, {named}) or on ({_UNIT}) {nameless}"
