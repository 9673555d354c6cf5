"""Alerts on the I/O of Lustre that a binding joins with its scheduler's jobs."""

from collections.abc import Iterator

from rackwatt_crds.duration import seconds
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec
from rackwatt_operator.manifests.params import Params
from rackwatt_operator.manifests.promql import JOB, select, span, window_s
from rackwatt_operator.manifests.rules.rule import Alert

UNRESOLVED = 'user_name=~"[0-9]+"'
UNMATCHED = 'reason=~"unknown_format|unknown_job"'
_NAMED = 'user_name!~"[0-9]+|root"'
_CLUSTER = f"{JOB}, scheduler, cluster"
_DIRECTIONS = ("read", "write")
# Queries have three fifths of a binding's timeout: half of that is too near to it.
_SLOW = 0.3
_MAX_UNMATCHED = 0.1
_MAX_UNRESOLVED = 0.5
_NOTICEABLE = 1_000_000  # bytes per second


def lustre_alerts(params: Params, spec: SchedulerBindingSpec) -> Iterator[Alert]:
    """Watch over the polls of Prometheus, and over what they could not match."""
    if spec.lustre is None:
        return
    for_ = span(window_s(params.document) / 3)
    yield Alert(
        name="RackwattLustreFailing",
        expression=f"{select(params, 'cluster_exporter_scrape_ok')} == 0",
        for_=for_,
        severity="warning",
        summary="The I/O of cluster {{ $labels.cluster }} on Lustre is not known, or not all of it",
        description=f"For {for_}, a query of Prometheus, the jobs or the names of users failed.",
        runbook="`lustre` in the collector's /status has the reason and what to do.",
    )
    yield _slow(params, spec)
    yield _unmatched(params)
    yield _unresolved(params)


def io(params: Params, of: str, *matchers: str) -> str:
    """Ask for the bytes per second of `job`, `proc` or `unmatched`, 0 where there are none.

    Of a poll that failed nothing is known, and there is no series.
    """
    succeeded = f"sum by ({_CLUSTER}) ({select(params, 'cluster_exporter_scrape_ok')}) == 1"
    families = (
        f"rackwatt_lustre_unmatched_{one}_bytes_per_second"
        if of == "unmatched"
        else f"cluster_{of}_{one}_throughput_bytes"
        for one in _DIRECTIONS
    )
    sums = (
        f"(sum by ({_CLUSTER}) ({select(params, family, *matchers)}) or 0 * ({succeeded}))"
        for family in families
    )
    return f"({' + '.join(sums)})"


def _slow(params: Params, spec: SchedulerBindingSpec) -> Alert:
    stages = select(params, "cluster_exporter_stage_execution_seconds")
    return Alert(
        name="RackwattLustreSlow",
        expression=f"{stages} > {_SLOW * seconds(spec.timeout):g}",
        for_="15m",
        severity="warning",
        summary="Stage {{ $labels.name }} of Lustre's I/O takes {{ $value | humanizeDuration }}",
        description=f"That is more than {_SLOW:.0%} of the binding's timeout, at which its part of "
        "the I/O is lost.",
        runbook="A query: the Prometheus is loaded, or `range` is long. Names: the name service of "
        "the exporter's host. Otherwise give the binding a longer `timeout` and `interval`.",
    )


def _unmatched(params: Params) -> Alert:
    unmatched = io(params, "unmatched", UNMATCHED)
    every = " + ".join((unmatched, io(params, "job"), io(params, "proc")))
    return Alert(
        name="RackwattLustreUnmatched",
        expression=f"{unmatched} / ({every} > 0) > {_MAX_UNMATCHED} "
        f"and {unmatched} > {_NOTICEABLE}",
        for_="30m",
        severity="warning",
        summary="{{ $value | humanizePercentage }} of Lustre's I/O is of no job of "
        "{{ $labels.cluster }}",
        description=f"More than {_MAX_UNMATCHED:.0%} of the bytes read and written have a job id "
        "that fits no template, or a job that the scheduler does not list.",
        runbook="Compare `lustre.jobid` with `jobid_name` of the clients. Jobs of other clusters "
        "on the same file system are unmatched here: docs/lustre.md#job-ids.",
    )


def _unresolved(params: Params) -> Alert:
    """Compare with users that have names: in a pod without a name service none has."""
    share = f"{io(params, 'proc', UNRESOLVED)} / ({io(params, 'proc')} > 0)"
    return Alert(
        name="RackwattLustreUsersUnresolved",
        expression=f"{share} > {_MAX_UNRESOLVED} and {io(params, 'proc', _NAMED)} > 0",
        for_="30m",
        severity="warning",
        summary="{{ $value | humanizePercentage }} of the I/O of processes outside jobs is of uids "
        "without a name",
        description="Other users have names, so the name service answers for some alone.",
        runbook="`getent passwd UID` on the exporter's host, for a user_name that is a number.",
    )
