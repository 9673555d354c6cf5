"""How often a collector or a provider of the grid is asked, and for how long an answer counts.

These defaults are theirs. Those of targets stand in target.py: a BMC must be spared what a file
need not be.
"""

from dataclasses import dataclass

from rackwatt_crds.bmc.hosts import DEFAULT_INTERVAL
from rackwatt_crds.bmc.mistakes import schedule_problems
from rackwatt_crds.duration import seconds
from rackwatt_crds.powertarget import PowerTargetSpec

INTERVAL_S = seconds(DEFAULT_INTERVAL)
TIMEOUT_S = 10.0
MAX_BACKOFF_S = 60.0


@dataclass(frozen=True, slots=True)
class Schedule:
    """All times decided."""

    interval_s: float = INTERVAL_S
    timeout_s: float = TIMEOUT_S
    stale_after_s: float = 3 * INTERVAL_S
    max_backoff_s: float = MAX_BACKOFF_S


def schedule(spec: PowerTargetSpec) -> Schedule:
    """Decide the times of a spec.

    Raises:
        ValueError: they do not go together; with the path of the field.
    """
    for problem in schedule_problems(spec):
        raise ValueError(str(problem))
    interval_s = _seconds(spec.interval, INTERVAL_S)
    return Schedule(
        interval_s=interval_s,
        timeout_s=_seconds(spec.timeout, TIMEOUT_S),
        stale_after_s=_seconds(spec.stale_after, 3 * interval_s),
        max_backoff_s=max(interval_s, _seconds(spec.max_backoff, MAX_BACKOFF_S)),
    )


def _seconds(text: str | None, otherwise: float) -> float:
    return seconds(text) if text else otherwise
