"""Records of the power of units on nodes that only a remote BMC measures.

An exporter inside the node knows the CPU time of its units and no watts; the exporter of a fleet
knows the watts of the node's BMC. Prometheus has both, so the rules join them by the name of the
node: each unit has the watts of its share of the CPU time that was used, the system has the rest.

At each evaluation the parts add up to the BMC's watts. Over time they do not conserve what a ledger
does (docs/energy.md), so they have names of their own, and a node with a ledger has none of them.
"""

from collections.abc import Callable, Iterator

from rackwatt_operator.manifests.promql import JOB
from rackwatt_operator.manifests.rules.rule import Record

NODE = "rackwatt:node_bmc_power:watts"
UNIT = "rackwatt:unit_bmc_power:watts"
SYSTEM = "rackwatt:system_bmc_power:watts"

_WINDOW = "5m"
_NODE = f"{JOB}, node"
_WORKED = 'mode!~"idle|iowait|steal"'

Select = Callable[..., str]
"""Selects a family, by further matchers too."""


def unit_power_records(inside: Select, bmcs: Select) -> Iterator[Record]:
    """Record the power of nodes, of their units and of the rest.

    `inside` selects what exporters inside nodes serve, `bmcs` what those of fleets do.
    """
    units = f"rate({inside('rackwatt_unit_cpu_seconds_total')}[{_WINDOW}])"
    cpus = f"rate({inside('rackwatt_node_cpu_seconds_total', _WORKED)}[{_WINDOW}])"
    of_units, of_node = f"sum by ({_NODE}) ({units})", f"sum by ({_NODE}) ({cpus})"
    watts = f"max by (node) ({bmcs('rackwatt_node_power_watts')})"
    ledger = inside("rackwatt_node_energy_source_info")
    yield Record(
        NODE, f"({of_node} * 0 + on (node) group_left () {watts}) unless on ({_NODE}) {ledger}"
    )
    # Both are counted in a different way: units may seem to have used more than all did.
    used = f"(({of_node} >= {of_units} or {of_units} and {of_node}) > 0)"
    share = f"sum by ({_NODE}, manager, unit) ({units}) / on ({_NODE}) group_left () {used}"
    yield Record(UNIT, f"{share} * on ({_NODE}) group_left () {inside(NODE)}")
    charged = f"sum by ({_NODE}) ({inside(UNIT)})"
    yield Record(SYSTEM, f"{inside(NODE)} - ({charged} or {inside(NODE)} * 0)")
