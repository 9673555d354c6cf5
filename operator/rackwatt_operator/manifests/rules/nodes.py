"""Alerts and records of what is measured inside nodes, and of the grid that feeds them."""

from collections.abc import Iterator

from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import JOB, select, span, window_s
from rackwatt_operator.manifests.rules.rule import Alert, Record

# Every other domain is a part of these.
WHOLE_DOMAINS = 'domain=~"package|dram"'


def node_records(params: Params) -> Iterator[Record]:
    """Add up the watts of processors and memory."""
    power = select(params, "rackwatt_node_domain_power_watts", WHOLE_DOMAINS)
    yield Record("job:rackwatt_node_domain_power_watts:sum", f"sum by ({JOB}) ({power})")


def node_alerts(params: Params) -> Iterator[Alert]:
    """Watch over what is read inside each node."""
    for_ = span(window_s(params.document) * 2 / 3)
    yield Alert(
        name="RackwattNodeReadingFailing",
        expression=f"{select(params, 'rackwatt_collector_up')} == 0",
        for_=for_,
        severity="warning",
        summary="{{ $labels.collector }} of node {{ $labels.node }} is not read",
        description=f"Its last readings, for {for_}, brought nothing or not all: a machine "
        "without such counters, or a pod that may not see them.",
        runbook="The collector's /status has the reason; `rackwatt-operator check` lists what "
        "the pod needs.",
    )


def grid_alerts(params: Params) -> Iterator[Alert]:
    """Watch over the carbon intensity of the grid."""
    for_ = span(window_s(params.document))
    yield Alert(
        name="RackwattGridUnknown",
        expression=f"{select(params, 'rackwatt_grid_up')} == 0",
        for_=for_,
        severity="warning",
        summary="The carbon intensity of {{ $labels.zone }} is not known",
        description=f"{{{{ $labels.provider }}}} has reported none for {for_}.",
        runbook="The collector's /status has the reason and what to do.",
    )
