"""The dashboard of nodes' energy as their ledgers divide it: parts, sources, what is missing."""

from collections.abc import Iterator

from rackwatt_operator.manifests.dashboards.grafana import Panel, Query, errors_panel, stat
from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import select

_MOST = 20
_PARTS = 'part!=""'


def energy_panels(params: Params) -> Iterator[Panel]:
    """Go through the panels."""
    measured = select(params, "rackwatt_node_measured_energy_joules_total")
    parts = "rackwatt_node_energy_joules_total"
    power = f"sum(rate({measured}[$__rate_interval]))"
    yield stat("Power", power, "watt", "Of all nodes whose energy is divided, now.")
    all_joules = f"sum(increase({measured}[$__range]))"
    yield stat("Energy", f"{all_joules} / 3.6e6", "kwatth", "Of these nodes, in the time shown.")
    for title, part, description in (
        ("Of units", "units", "The part that jobs, virtual machines and pods have used."),
        ("Unattributed", "unattributed", "The part whose user is unknown."),
    ):
        some = select(params, parts, f'part="{part}"')
        share = f"sum(increase({some}[$__range])) / ({all_joules} > 0)"
        yield stat(title, share, "percentunit", description)
    by_part = f"sum by (part) (rate({select(params, parts, _PARTS)}[$__rate_interval]))"
    yield Panel(
        title="Power by part",
        kind="timeseries",
        queries=(Query(by_part, "{{part}}"),),
        unit="watt",
        description="The parts add up to what was measured.",
        stacked=True,
    )
    yield _most(
        "Power by node",
        f"sum by (node) (rate({measured}[$__rate_interval]))",
        "watt",
        f"By its best source, of the {_MOST} nodes that draw most.",
    )
    yield from _ledgers(params)


def _ledgers(params: Params) -> Iterator[Panel]:
    idle = select(params, "rackwatt_node_idle_power_watts")
    covered = select(params, "rackwatt_node_energy_covered_seconds_total")
    yield _most(
        "Idle power by node", f"max by (node) ({idle})", "watt", "Without GPUs; where it is known."
    )
    yield _most(
        "Time without a measurement",
        f"clamp_min(1 - sum by (node) (rate({covered}[$__rate_interval])), 0)",
        "percentunit",
        f"Share of the time whose energy is in no part, of the {_MOST} nodes that miss most.",
    )
    source = select(params, "rackwatt_node_energy_source_info")
    yield Panel(
        title="Sources",
        kind="timeseries",
        queries=(Query(f"count by (source, gpus) ({source})", "{{source}}, GPUs {{gpus}}"),),
        unit="short",
        description="Number of nodes by source, and whether it includes GPUs.",
        stacked=True,
    )
    yield errors_panel("Failed advances by reason", select(params, "rackwatt_energy_errors_total"))


def _most(title: str, series: str, unit: str, description: str) -> Panel:
    query = Query(f"topk({_MOST}, {series})", "{{node}}")
    return Panel(title, "timeseries", (query,), unit, description)
