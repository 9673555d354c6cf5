"""The dashboard of GPUs: what they draw, who holds them, and whether they are used."""

from collections.abc import Iterator

from rackwatt_operator.manifests.dashboards.grafana import COUNT, Panel, Query, stat
from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import select

_DOMAIN = 'domain="gpu"'
_MOST = 20
_IDLE = 0.05


def gpu_panels(params: Params) -> Iterator[Panel]:
    """Go through the panels."""
    gpus = f"count({select(params, 'rackwatt_gpu_info')})"
    power = select(params, "rackwatt_node_domain_power_watts", _DOMAIN)
    energy = select(params, "rackwatt_node_domain_energy_joules_total", _DOMAIN)
    held = f"sum({select(params, 'rackwatt_unit_gpu_share')})"
    yield stat("GPUs", gpus, COUNT, "Installed GPUs; one in MIG mode counts once.")
    yield stat("Power", f"sum({power})", "watt", "Of all GPUs, now.")
    joules = f"sum(increase({energy}[$__range])) / 3.6e6"
    yield stat("Energy", joules, "kwatth", "Of all GPUs, in the time shown.")
    yield stat("Held", f"{held} / {gpus}", "percentunit", "The share that units hold, now.")
    yield from _by_holder(params, power)
    yield from _by_node(params)
    yield from _waste(params)


def _by_holder(params: Params, power: str) -> Iterator[Panel]:
    shares = select(params, "rackwatt_unit_gpu_share")
    watts = f'label_replace({power}, "gpu_uuid", "$1", "zone", "(.*)")'
    each = f"{shares} * on (node, gpu_uuid) group_left () {watts}"
    for title, by, legend in (
        ("Power of GPUs by unit", "node, manager, unit", "{{node}} {{unit}}"),
        ("Power of GPUs by node", "node", "{{node}}"),
    ):
        watts_of = each if "unit" in by else power
        yield Panel(
            title=title,
            kind="timeseries",
            queries=(Query(f"topk({_MOST}, sum by ({by}) ({watts_of}))", legend),),
            unit="watt",
            description=f"The {_MOST} with the most. A unit has its share of each GPU.",
            stacked="unit" in by,
        )


def _by_node(params: Params) -> Iterator[Panel]:
    used = select(params, "rackwatt_gpu_utilization_ratio")
    memory = select(params, "rackwatt_gpu_memory_used_bytes")
    total = select(params, "rackwatt_gpu_memory_bytes")
    celsius = select(params, "rackwatt_gpu_temperature_celsius")
    throttled = select(params, "rackwatt_gpu_throttled")
    for title, expression, unit, text in (
        ("GPUs used by node", f"avg by (node) ({used})", "percentunit", "Mean of its GPUs."),
        (
            "Memory used by node", f"sum by (node) ({memory}) / sum by (node) ({total})",
            "percentunit", "Of the memory of its GPUs.",
        ),
        ("Hottest GPU by node", f"max by (node) ({celsius})", "celsius", "Of each node."),
    ):  # fmt: skip
        query = Query(f"topk({_MOST}, {expression})", "{{node}}")
        yield Panel(title, "timeseries", (query,), unit, f"{text} The {_MOST} highest.")
    query = Query(f"sum by (reason) ({throttled})", "{{reason}}")
    text = "Number of GPUs whose clocks are lowered, by reason."
    yield Panel("GPUs slowed down", "timeseries", (query,), "short", text, stacked=True)


def _waste(params: Params) -> Iterator[Panel]:
    """List GPUs that a unit holds and does not use."""
    used = select(params, "rackwatt_gpu_utilization_ratio")
    shares = select(params, "rackwatt_unit_gpu_share")
    idle = f"max_over_time({used}[$__range]) < {_IDLE}"
    each = f"{shares} * on (node, gpu_uuid) group_left () ({idle})"
    yield Panel(
        title="Held and idle",
        kind="table",
        queries=(Query(f"sum by (node, manager, unit, gpu, gpu_uuid) ({each}) >= 0"),),
        unit="percentunit",
        description=f"Units that hold a GPU which never was busier than {_IDLE:.0%} in the time "
        "shown. GPUs in MIG mode do not say how busy they are.",
        width=24,
        value="Share",
    )
