"""Alerts on the ledgers of nodes: that they add up, and that nothing is missed."""

from collections.abc import Iterator

from rackwatt_crds.document import PowerTarget
from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import JOB, select, span, window_s
from rackwatt_operator.manifests.rules.rule import Alert

# Less covers a reading that came late, and a restart.
_MIN_COVERED = 0.8


def is_divided(params: Params) -> bool:
    """Return whether the energy of a document's nodes is divided, as the exporter decides it."""
    if not isinstance(params.document, PowerTarget):
        return False
    node = params.document.spec.node
    return node is not None and (node.energy is not None or node.units is not None)


def energy_alerts(params: Params) -> Iterator[Alert]:
    """Watch over the counters of energy inside nodes, and where they are divided over that, too."""
    yield _domain(params)
    if not is_divided(params):
        return
    yield Alert(
        name="RackwattEnergyImbalance",
        expression=f"{select(params, 'rackwatt_node_energy_imbalance_joules')} != 0",
        for_="1m",
        severity="critical",
        summary="The energy of node {{ $labels.node }} does not add up",
        description="{{ $value }} joules that were measured are in no part: a defect of Rackwatt.",
        runbook="Report it, with /status?node={{ $labels.node }} of that node's exporter.",
    )
    yield from _lost(params)


def unit_alerts(params: Params) -> Iterator[Alert]:
    """Watch over the managers whose units are read."""
    document = params.document
    if not isinstance(document, PowerTarget) or not document.spec.node:
        return
    if document.spec.node.units is None:
        return
    for_ = span(window_s(params.document) * 2 / 3)
    yield Alert(
        name="RackwattUnitManagerDown",
        expression=f"{select(params, 'rackwatt_unit_manager_up')} == 0",
        for_=for_,
        severity="warning",
        summary="Units of {{ $labels.manager }} on node {{ $labels.node }} are not read, or not "
        "all",
        description=f"For {for_}, its control groups could not be read, or a part of them: what "
        "these may have used is unattributed. Where names alone are missing, nothing is.",
        runbook="`units` in that exporter's /status, or its page /node, has the reason and what to "
        "do.",
    )


def _lost(params: Params) -> Iterator[Alert]:
    window = span(window_s(params.document))
    yield Alert(
        name="RackwattEnergyUnmeasured",
        expression=f"{select(params, 'rackwatt_energy_up')} == 0",
        for_=window,
        severity="warning",
        summary="Nothing measures the energy of node {{ $labels.node }}",
        description=f"For {window}, no source had a value: the jobs of that time have no energy.",
        runbook="`energy` in that exporter's /status, or its page /node, names what is missing.",
    )
    covered = select(params, "rackwatt_node_energy_covered_seconds_total")
    yield Alert(
        name="RackwattEnergyGaps",
        expression=f"rate({covered}[{window}]) < {_MIN_COVERED}",
        for_=window,
        severity="warning",
        summary="The energy of node {{ $labels.node }} has gaps",
        description="Only {{ $value | humanizePercentage }} of the time is covered by its source.",
        runbook="RackwattNodeReadingFailing names a collector that fails; the source may change "
        "back and forth: rackwatt_node_energy_source_info.",
    )


def _domain(params: Params) -> Alert:
    """Compare with the health of the collector: one that is down has an alert of its own."""
    window = span(window_s(params.document))
    covered = select(params, "rackwatt_node_domain_energy_covered_seconds_total")
    up = select(params, "rackwatt_collector_up")
    read = f'label_replace({up} == 1, "source", "$1", "collector", "(.*)")'
    return Alert(
        name="RackwattEnergyCounterMissed",
        expression=f"rate({covered}[{window}]) < {_MIN_COVERED} "
        f"and on ({JOB}, node, source) {read}",
        for_=window,
        severity="warning",
        summary="Energy of {{ $labels.zone }} of node {{ $labels.node }} is missed",
        description="Its collector is up, and {{ $value | humanizePercentage }} of the time is "
        "counted: the counter wrapped between two readings, or it does not move.",
        runbook="A shorter `interval`, where readings are too far apart for the counter's range; "
        "the exporter's log names a counter that was reset.",
    )
