"""Alerts on schedulers, for the collector that polls one and for those that read its relay."""

from collections.abc import Iterator

from rackwatt_crds.document import SchedulerBinding
from rackwatt_crds.duration import seconds
from rackwatt_crds.kinds import counts_only
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec
from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import JOB, select, span, window_s
from rackwatt_operator.manifests.rules.lustre import lustre_alerts
from rackwatt_operator.manifests.rules.rule import Alert

_CLUSTER = f"{JOB}, scheduler, cluster"
# In these a node has no job, takes none, and has to be looked at.
_OUT_OF_SERVICE = "down|drained|fail|error|not_responding|invalid_reg"
_OUT_FLAGS = "drain|fail|not_responding"
_MAX_OUT = 0.1
_MAX_RPC_SHARE = 0.1
_MAX_RPC_LOAD = 0.02
# Limits are read once in ten minutes: one failure is not for long.
_SUBJECT_S = 1800


def scheduler_alerts(params: Params) -> Iterator[Alert]:
    """Watch over the scheduler that a binding's collector asks."""
    for_ = span(window_s(params.document) / 3)
    yield Alert(
        name="RackwattSchedulerDown",
        expression=f"{select(params, 'rackwatt_scheduler_up')} == 0",
        for_=for_,
        severity="warning",
        summary="Scheduler {{ $labels.scheduler }} does not respond",
        description="It has not reported node states of cluster {{ $labels.cluster }} "
        f"for {for_}.",
        runbook="The collector's /status has the reason and what to do.",
    )
    counted = isinstance(params.document, SchedulerBinding) and counts_only(params.document.spec)
    yield _counted_out(params) if counted else _nodes_out(params)
    if isinstance(params.document, SchedulerBinding):
        yield from _parts_unknown(params, params.document.spec, for_)
        yield from _token_expiring(params, params.document.spec)
        yield from _own_requests(params, params.document.spec)
        yield from lustre_alerts(params, params.document.spec)


def _nodes_out(params: Params) -> Alert:
    out = select(params, "rackwatt_scheduler_nodes", f'state=~"{_OUT_OF_SERVICE}"')
    nodes = select(params, "rackwatt_scheduler_nodes")
    share = f"sum by ({_CLUSTER}) ({out}) / sum by ({_CLUSTER}) ({nodes})"
    return Alert(
        name="RackwattSchedulerNodesOut",
        expression=f"{share} > {_MAX_OUT}",
        for_="15m",
        severity="warning",
        summary="{{ $value | humanizePercentage }} of the nodes of {{ $labels.cluster }} are out "
        "of service",
        description=f"More than {_MAX_OUT:.0%} of its nodes are down, failed, drained or silent.",
        runbook="rackwatt_scheduler_node_reason_info has the reason of each node. When many fail "
        "at once the cause is a switch, a file system or the power of a rack.",
    )


def _counted_out(params: Params) -> Alert:
    """Watch over nodes that are only counted: one may have several flags, so that none is added."""
    down = select(params, "rackwatt_scheduler_base_state_nodes", 'base=~"down|error"')
    flagged = select(params, "rackwatt_scheduler_flagged_nodes", f'flag=~"{_OUT_FLAGS}"')
    nodes = select(params, "rackwatt_scheduler_base_state_nodes")
    total = f"sum by ({_CLUSTER}) ({nodes})"
    largest = f"sum by ({_CLUSTER}) ({down}) / {total} > {_MAX_OUT} or max by ({_CLUSTER})"
    return Alert(
        name="RackwattSchedulerNodesOut",
        expression=f"{largest} ({flagged}) / {total} > {_MAX_OUT}",
        for_="15m",
        severity="warning",
        summary="{{ $value | humanizePercentage }} of the nodes of {{ $labels.cluster }} are out "
        "of service",
        description=f"More than {_MAX_OUT:.0%} of its nodes are down, or have one of the flags "
        "drain, fail and not_responding: those that drain have jobs still.",
        runbook="sinfo -R lists the nodes with their reasons: slurmctld's metrics do not. When "
        "many fail at once the cause is a switch, a file system or the power of a rack.",
    )


def _parts_unknown(params: Params, spec: SchedulerBindingSpec, for_: str) -> Iterator[Alert]:
    """Watch over what may be unknown beside nodes: their own alert stays silent then."""
    if spec.noop is not None or spec.exporter is not None:
        return
    if not counts_only(spec):
        yield _jobs_unknown(params, for_)
    yield Alert(
        name="RackwattSchedulerSubjectUnknown",
        expression=f"{select(params, 'rackwatt_scheduler_subject_known')} == 0",
        for_=span(max(_SUBJECT_S, window_s(params.document))),
        severity="warning",
        summary="{{ $labels.subject }} of cluster {{ $labels.cluster }} are not known",
        description="spec.metrics wants them, and they could not be read: their series are absent, "
        "which looks like none to a query.",
        runbook="`note` in the collector's /status says why. Where it cannot be repaired, leave "
        "them out of spec.metrics.",
    )


def _jobs_unknown(params: Params, for_: str) -> Alert:
    return Alert(
        name="RackwattSchedulerJobsUnknown",
        expression=f"{select(params, 'rackwatt_scheduler_jobs_known')} == 0",
        for_=for_,
        severity="warning",
        summary="The jobs of cluster {{ $labels.cluster }} are not known",
        description="Its scheduler has reported nodes and no jobs "
        f"for {for_}: series of jobs, and of power by user, are absent.",
        runbook="`note` in the collector's /status says why, as `rackwatt-exporter check` does.",
    )


def _token_expiring(params: Params, spec: SchedulerBindingSpec) -> Iterator[Alert]:
    """Watch over a token that is used up: its own life says how early is in time.

    It is in a Secret, in a header for a gateway, or in the environment of commands (SLURM_JWT).
    """
    slurm = spec.slurm
    http = slurm.rest or slurm.open_metrics if slurm else None
    by_http = http and (http.jwt_key_secret_ref or http.token_secret_ref or http.headers)
    if not by_http and (slurm is None or slurm.cli is None):
        return
    expiry = select(params, "rackwatt_scheduler_token_expiry_timestamp_seconds")
    issued = select(params, "rackwatt_scheduler_token_issued_timestamp_seconds")
    left = f"{expiry} - time()"
    yield Alert(
        name="RackwattSchedulerTokenExpiring",
        expression=f"{left} < 0.1 * ({expiry} - {issued}) or ({left} < 600 unless {issued})",
        for_=span(max(60, 2 * seconds(spec.interval))),
        severity="warning",
        summary="The token for scheduler {{ $labels.scheduler }} expires in "
        "{{ $value | humanizeDuration }}",
        description="It has a tenth of its life left and has not been renewed. When it has expired "
        "Slurm, or the gateway before it, refuses every poll.",
        runbook="Write a new token into the Secret, which is read at each poll. A token that is "
        "made from Slurm's key is renewed as long as the Secret with the key is there. One in "
        "SLURM_JWT stays until the exporter is restarted.",
    )


def _own_requests(params: Params, spec: SchedulerBindingSpec) -> Iterator[Alert]:
    """Watch over what our own requests cost; a small part of an idle daemon is no load."""
    if spec.metrics is None or not spec.metrics.diagnostics:
        return
    window = span(window_s(params.document))
    ours = select(params, "rackwatt_scheduler_own_rpc_seconds_total")
    users = select(params, "rackwatt_scheduler_user_rpc_seconds_total")
    rate = f"sum by ({_CLUSTER}) (rate({ours}[{window}]))"
    share = f"{rate} / sum by ({_CLUSTER}) (rate({users}[{window}]))"
    yield Alert(
        name="RackwattSchedulerLoaded",
        expression=f"{share} > {_MAX_RPC_SHARE} and {rate} > {_MAX_RPC_LOAD}",
        for_="15m",
        severity="warning",
        summary="{{ $value | humanizePercentage }} of RPC time on {{ $labels.cluster }} "
        "is this exporter's",
        description=f"slurmctld spends more than {_MAX_RPC_LOAD:.0%} of a processor on requests of "
        f"its user, and more than {_MAX_RPC_SHARE:.0%} of what it spends on all users.",
        runbook="Use a longer `interval`, or fewer of `spec.metrics`. Other programs of the same "
        "user count as well: give the exporter a user of its own.",
    )


def states_alerts(params: Params, name: str, spec: SchedulerBindingSpec) -> Iterator[Alert]:
    """Watch over the age of node states, for whichever collector serves them."""
    interval_s = seconds(spec.interval)
    stale_s = seconds(spec.stale_after) if spec.stale_after else 3 * interval_s
    age = select(params, "rackwatt_scheduler_answer_age_seconds", f'scheduler="{name}"')
    yield Alert(
        name="RackwattSchedulerStatesStale",
        expression=f"{age} > {stale_s:g}",
        for_="1m",
        severity="warning",
        summary="Node states of cluster {{ $labels.cluster }} are withdrawn",
        description="They are {{ $value | humanizeDuration }} old, too old to be served: "
        "series have no state until the scheduler responds.",
        runbook=f"Look at SchedulerBinding {name} and its collector.",
    )
