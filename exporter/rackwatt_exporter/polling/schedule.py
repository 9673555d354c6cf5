"""Poll schedule: when a source is read next, as pure arithmetic on a monotonic clock.

Each target has an offset within the interval, a hash of its name: a fleet is spread evenly, also
across restarts and reloads, and jitter keeps it from synchronising with other periodic work.
"""

import math
import random
import zlib
from dataclasses import dataclass

FIRST_SWEEP_S = 10.0
FEW_PER_S = 10  # a handful, such as a node's own collectors, is read at once
FIRST_CONTACTS_PER_S = 1000  # a log-in costs five times a reading, at both ends
TICK_S = 0.02
_JITTER = 0.05
_STEP = 0.1


@dataclass(frozen=True, slots=True)
class PollSchedule:
    """Interval and timeout of reads, and the maximum back-off after failures, in seconds.

    `fleet_size` is the number of sources of the fleet: the first contact of a large one is spread.
    A source that ends its reads by a deadline of its own has `grace_s` beyond the timeout for it.
    """

    interval_s: float
    timeout_s: float
    max_backoff_s: float
    fleet_size: int = 1
    grace_s: float = 0.0


def first_poll_at_s(key: str, schedule: PollSchedule, now_s: float) -> float:
    """Return when a new target is first read: soon, but not all of them at once."""
    sweep_s = min(schedule.interval_s, FIRST_SWEEP_S, schedule.fleet_size / FEW_PER_S)
    return now_s + offset(key) * max(sweep_s, schedule.fleet_size / FIRST_CONTACTS_PER_S)


def next_poll_at_s(
    key: str, schedule: PollSchedule, due_s: float, now_s: float, failures: int
) -> float:
    """Return when a target is read next, after a reading or after consecutive failures.

    `due_s` is when it was due this time. A fleet that started all at once drifts towards each
    target's offset by at most a tenth of the interval, so that no reading becomes stale for it.
    """
    jitter_s = random.uniform(0, _JITTER * schedule.interval_s)  # noqa: S311 - spreads load, no secret
    if failures:
        wait_s = min(schedule.interval_s * 2.0 ** min(failures - 1, 30), schedule.max_backoff_s)
        return now_s + wait_s + jitter_s
    usual_s = due_s + schedule.interval_s
    ahead_s = (offset(key) * schedule.interval_s - usual_s) % schedule.interval_s
    away_s = ahead_s if ahead_s <= schedule.interval_s / 2 else ahead_s - schedule.interval_s
    step_s = min(max(away_s, -_STEP * schedule.interval_s), _STEP * schedule.interval_s)
    return max(usual_s + step_s + jitter_s, now_s)


def align_to_tick_s(due_s: float) -> float:
    """Return the tick at or after a due time: the process wakes per tick, not per target.

    A thousand targets a second are read in fifty ticks of twenty, for half the CPU.
    """
    return math.ceil(due_s / TICK_S) * TICK_S


def offset(key: str) -> float:
    """Return the offset of a key in 0..1, the same in every process."""
    return zlib.crc32(key.encode()) / 2**32
