"""Matched: the scheduler knows the nodes that are measured, by the names that documents give them.

Power is measured either way, so `Ready` does not depend on it.
"""

from collections.abc import Iterator

from rackwatt_crds.document import PowerTarget
from rackwatt_operator.status.claim import Claim, listed
from rackwatt_operator.status.findings import Findings
from rackwatt_operator.status.told import Scheduler


def matched(found: Findings) -> Iterator[Claim]:
    """Claim it of a PowerTarget whose collectors compared names with those of a scheduler."""
    if not isinstance(found.document, PowerTarget) or found.told is None:
        return
    compared = [one for one in found.told.schedulers if one.unmatched is not None]
    strangers = [one for one in compared if one.unmatched and one.unmatched.targets]
    if strangers:
        message = listed([_unknown(one) for one in strangers])
        yield Claim("Matched", "False", "NamesUnmatched", message)
    elif compared:
        yield Claim("Matched", "True", "Matched", "the scheduler knows every node by its name")


def _unknown(scheduler: Scheduler) -> str:
    unmatched = scheduler.unmatched
    assert unmatched is not None  # noqa: S101 - the caller has chosen by it
    ours, theirs = (
        listed([name[:100] for name in names])
        for names in (unmatched.first_targets, unmatched.first_nodes)
    )
    has = f", and has {theirs} that no target is" if theirs else ""
    return (
        f"scheduler {scheduler.name} does not know {unmatched.targets} nodes: {ours}{has}; "
        "see nodeName of the SchedulerBinding"
    )
