"""Alerts and records of what is measured inside nodes, and of the grid that feeds them."""

from collections.abc import Iterator

from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import JOB, select, span, window_s
from rackwatt_operator.manifests.rules.rule import Alert, Record

# Every other domain is a part of these.
WHOLE_DOMAINS = 'domain=~"package|dram"'


def node_records(subject: Params) -> Iterator[Record]:
    """Add up the watts of processors and memory."""
    power = select(subject, "rackwatt_node_domain_power_watts", WHOLE_DOMAINS)
    yield Record("job:rackwatt_node_domain_power_watts:sum", f"sum by ({JOB}) ({power})")


def node_alerts(subject: Params) -> Iterator[Alert]:
    """Watch over what is read inside each node."""
    lasting = span(window_s(subject.document) * 2 / 3)
    yield Alert(
        name="RackwattNodeReadingFailing",
        expression=f"{select(subject, 'rackwatt_collector_up')} == 0",
        lasting=lasting,
        severity="warning",
        summary="{{ $labels.collector }} of node {{ $labels.node }} is not read",
        description=f"Its last readings, for {lasting}, brought nothing or not all: a machine "
        "without such counters, or a pod that may not see them.",
        runbook="The collector's /status has the reason; `rackwatt-operator check` tells what the "
        "pod needs to see.",
    )


def grid_alerts(subject: Params) -> Iterator[Alert]:
    """Watch over the carbon intensity of the grid."""
    lasting = span(window_s(subject.document))
    yield Alert(
        name="RackwattGridUnknown",
        expression=f"{select(subject, 'rackwatt_grid_up')} == 0",
        lasting=lasting,
        severity="warning",
        summary="The carbon intensity of {{ $labels.zone }} is not known",
        description=f"{{{{ $labels.provider }}}} has told none for {lasting}.",
        runbook="The collector's /status has the reason and what to do.",
    )
