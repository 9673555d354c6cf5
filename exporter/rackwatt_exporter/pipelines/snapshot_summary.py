"""Summary of a scheduler's snapshot in one line, for `check` and /status.

It has nodes by state, jobs by state, and how much is known beside them.
"""

from collections import Counter
from collections.abc import Mapping

from rackwatt_crds.wording import counted
from rackwatt_exporter.schedulers.model.snapshot import SchedulerSnapshot
from rackwatt_exporter.schedulers.views.jobs import job_counts
from rackwatt_exporter.schedulers.views.nodes import state_counts


def summarized(value: SchedulerSnapshot) -> str:
    """Return nodes by state, jobs by state, and how much is known beside them."""
    if value.numbers is not None:
        parts = [_counted("nodes", value.numbers.nodes), _counted("jobs", value.numbers.jobs)]
    else:
        parts = [_listed(state_counts(value)) or "no nodes"]
    if value.jobs is not None:
        parts.append(f"jobs: {_listed(job_counts(value)) or 'none'}")
    if value.licenses is not None:
        parts.append(counted(len(value.licenses), "licence"))
    if value.reservations is not None:
        parts.append(counted(len(value.reservations), "reservation"))
    if value.diagnostics is not None:
        users = len(value.diagnostics.rpcs_by_user)
        parts.append(f"RPCs of {counted(users, 'user')}" if users else "diagnostics without RPCs")
    return "; ".join(parts)


def _counted(what: str, counts: Mapping[str, int]) -> str:
    """Return numbers by base state, which is not the state of any node."""
    shown = _listed(Counter({base: count for base, count in counts.items() if count}))
    return f"{what} by base state: {shown or 'none'}"


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
