"""Schedule of collectors and grid providers.

The defaults of targets are in target.py: a BMC needs a longer back-off than a file.
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
    """Interval, timeout, staleness and longest back-off, in seconds."""

    interval_s: float = INTERVAL_S
    timeout_s: float = TIMEOUT_S
    stale_after_s: float = 3 * INTERVAL_S
    max_backoff_s: float = MAX_BACKOFF_S


def schedule(spec: PowerTargetSpec) -> Schedule:
    """Resolve the schedule of a spec.

    Raises:
        ValueError: `staleAfter` is shorter than the interval; the message has the path.
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


def _seconds(text: str | None, default: float) -> float:
    return seconds(text) if text else default
