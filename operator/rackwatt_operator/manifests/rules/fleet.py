"""Alerts and records of a fleet of BMCs.

A machine that its own BMC says is off has no reading and is no fault: it counts for no alert.
"""

from collections.abc import Iterator

from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import JOB, select, span, window_s
from rackwatt_operator.manifests.rules.rule import Alert, Record

_ON_NODE = f"on ({JOB}, node)"
_NO_ACCESS = "auth_failed|privilege_insufficient|credentials_missing|host_key_failed|tls_failed"
_NO_POWER = "no_power_sensor|sensor_unreadable|bad_reply"


def fleet_records(params: Params) -> Iterator[Record]:
    """Add watts and joules up, for the whole fleet and by rack and type."""
    power = select(params, "rackwatt_node_power_watts")
    energy = select(params, "rackwatt_node_energy_joules_total")
    for level, labels in (("job", JOB), ("rack", f"{JOB}, rack"), ("type", f"{JOB}, type")):
        yield Record(f"{level}:rackwatt_node_power_watts:sum", f"sum by ({labels}) ({power})")
        yield Record(
            f"{level}:rackwatt_node_energy_joules:increase1h",
            f"sum by ({labels}) (increase({energy}[1h]))",
        )


def fleet_alerts(params: Params) -> Iterator[Alert]:
    """Watch over the targets of a fleet."""
    yield from _silent(params)
    yield _stale(params)
    yield _refused(params)
    yield _without_power(params)
    yield _implausible(params)


def _silent(params: Params) -> Iterator[Alert]:
    window = window_s(params.document)
    up = select(params, "rackwatt_target_up")
    off = select(params, "rackwatt_target_errors_total", 'reason="powered_off"')
    down = f"{up} == 0 unless {_ON_NODE} increase({off}[{span(window)}]) > 0"
    for_ = span(window * 2 / 3)
    yield Alert(
        name="RackwattTargetDown",
        expression=down,
        for_=for_,
        severity="warning",
        summary="{{ $labels.node }} is not measured",
        description=f"Its BMC or PDU has given no reading for {for_}, and does not say that the "
        "machine is off.",
        runbook="The collector's /status?node={{ $labels.node }} has the reason and what to do.",
    )
    yield Alert(
        name="RackwattFleetDown",
        expression=f"count by ({JOB}) ({down}) > 0.5 * count by ({JOB}) ({up})",
        for_="5m",
        severity="critical",
        summary=f"Most of PowerTarget {params.name} is not measured",
        description="{{ $value }} targets give no reading: more than half of the fleet.",
        runbook="When so many fail at once the cause is a route, a firewall, a Secret or DNS: "
        "the collector's page lists targets by reason.",
    )


def _stale(params: Params) -> Alert:
    up = select(params, "rackwatt_target_up")
    power = select(params, "rackwatt_node_power_watts")
    return Alert(
        name="RackwattReadingStale",
        expression=f"{up} == 1 unless {_ON_NODE} {power}",
        for_="5m",
        severity="warning",
        summary="The reading of {{ $labels.node }} is too old to be served",
        description="It responds, but is polled too seldom: its last reading is older than "
        "`staleAfter`.",
        runbook="See RackwattCollectorLate; `staleAfter` should be three intervals at least.",
    )


def _refused(params: Params) -> Alert:
    return Alert(
        name="RackwattAccessRefused",
        expression=_failing_by_reason(params, _NO_ACCESS),
        for_="5m",
        severity="warning",
        summary="{{ $value }} targets of {{ $labels.job }} refuse access: {{ $labels.reason }}",
        description="They respond and deny access; each is polled less and less often, so that "
        "no account is locked.",
        runbook="Compare the Secret with the account of the BMC; a corrected Secret is used at "
        "the next try.",
    )


def _without_power(params: Params) -> Alert:
    return Alert(
        name="RackwattPowerUnreadable",
        expression=_failing_by_reason(params, _NO_POWER),
        for_="15m",
        severity="warning",
        summary="{{ $value }} targets of {{ $labels.job }} report no power: {{ $labels.reason }}",
        description="They respond, but without a number that can be power.",
        runbook="/status?node=NAME says what was found instead: name `sensors`, `oids` or the "
        "`chassis` in the document, or try a `preset`.",
    )


def _failing_by_reason(params: Params, reasons: str) -> str:
    """Count the targets that fail now and have failed lately for one of these reasons."""
    errors = select(params, "rackwatt_target_errors_total", f'reason=~"{reasons}"')
    up = select(params, "rackwatt_target_up")
    lately = f"increase({errors}[{span(window_s(params.document))}]) > 0"
    return f"count by ({JOB}, reason) ({lately} and {_ON_NODE} {up} == 0)"


def _implausible(params: Params) -> Alert:
    """Compare a BMC's joules with its own watts: where both are its own, one may be wrong."""
    energy = select(params, "rackwatt_node_energy_joules_total")
    covered = select(params, "rackwatt_node_energy_covered_seconds_total")
    power = select(params, "rackwatt_node_power_watts")
    mean = f"avg_over_time({power}[1h])"
    counted = f"rate({energy}[1h]) / rate({covered}[1h])"
    return Alert(
        name="RackwattPowerImplausible",
        expression=f"abs({counted} - {mean}) > 0.25 * {mean} and {mean} > 20",
        for_="1h",
        severity="warning",
        summary="Watts and joules of {{ $labels.node }} contradict each other",
        description="Over an hour, its energy counter differs from its watts by "
        "{{ $value | humanize }} W, which is more than a quarter.",
        runbook="One of the two sensors is wrong: compare with a PDU, name the right `sensors`, "
        "and send us a `rackwatt-exporter record`.",
    )
