"""The dashboard of nodes measured from inside: joules by part, and what processors did."""

from collections.abc import Iterator

from rackwatt_operator.manifests.dashboards.grafana import COUNT, Panel, Query, errors_panel, stat
from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import select
from rackwatt_operator.manifests.rules.nodes import WHOLE_DOMAINS


def node_panels(params: Params, recorded: bool) -> Iterator[Panel]:
    """Go through the panels; with `recorded`, sums come from the rules' own series."""
    power = select(params, "rackwatt_node_domain_power_watts", WHOLE_DOMAINS)
    energy = select(params, "rackwatt_node_domain_energy_joules_total", WHOLE_DOMAINS)
    summed = select(params, "job:rackwatt_node_domain_power_watts:sum")
    total = summed if recorded else f"sum({power})"
    yield stat("Power", total, "watt", "Processors and memory of all nodes, now.")
    joules = f"sum(increase({energy}[$__range])) / 3.6e6"
    yield stat("Energy", joules, "kwatth", "Of processors and memory, in the time shown.")
    yield stat("Busy", _busy(params, "$__range"), "percentunit", "Mean over nodes and time.")
    nodes = f"count(count by (node) ({select(params, 'rackwatt_collector_up')}))"
    yield stat("Nodes", nodes, COUNT, "Nodes that have a collector.")
    yield from _by_node(params, power)
    yield from _by_part(params)


def _by_node(params: Params, power: str) -> Iterator[Panel]:
    yield Panel(
        title="Power by node",
        kind="timeseries",
        queries=(Query(f"topk(20, sum by (node) ({power}))", "{{node}}"),),
        unit="watt",
        description="Processors and memory of the twenty nodes that draw most.",
    )
    yield Panel(
        title="Busy by node",
        kind="timeseries",
        queries=(Query(f"topk(20, {_busy(params, '$__rate_interval', 'node')})", "{{node}}"),),
        unit="percentunit",
        description="Share of the time that processors worked here, of the twenty busiest nodes.",
    )


def _by_part(params: Params) -> Iterator[Panel]:
    power = select(params, "rackwatt_node_domain_power_watts")
    errors = select(params, "rackwatt_collector_errors_total")
    yield Panel(
        title="Power by part",
        kind="timeseries",
        queries=(Query(f"sum by (domain) ({power})", "{{domain}}"),),
        unit="watt",
        description="As the processors account for it; only package and dram add up.",
    )
    yield errors_panel("Failed readings by reason", errors)


def _busy(params: Params, window: str, by: str = "") -> str:
    """Ask for the share of time that processors worked here: not idle, and not stolen by a host."""
    family = "rackwatt_node_cpu_seconds_total"
    summed = f"sum by ({by})" if by else "sum"
    idle = select(params, family, 'mode=~"idle|iowait|steal"')
    parts = [f"{summed} (rate({one}[{window}]))" for one in (idle, select(params, family))]
    return f"1 - {parts[0]} / {parts[1]}"
