"""When the next question is due: pure arithmetic on a clock that only goes forward.

Each target has a place of its own within the interval, taken from its name: a fleet spreads evenly,
stays spread across restarts and reloads, and a little jitter keeps it from marching in step with
whatever else is periodic.
"""

import math
import random
import zlib
from dataclasses import dataclass

FIRST_SWEEP_S = 10.0
FEW_PER_S = 10  # that many nobody minds: a handful, as a node's own collectors, waits for nothing
FIRST_CONTACTS_PER_S = 1000  # a log-in takes five times what a reading does, at both ends
BEAT_S = 0.02
_JITTER = 0.05
_STEP = 0.1


@dataclass(frozen=True, slots=True)
class PollSchedule:
    """How often one source is asked, how long it may take, and how long a failure may rest.

    `fleet` is how many are asked beside it: a large one takes longer to be met.
    """

    interval_s: float
    timeout_s: float
    max_backoff_s: float
    fleet: int = 1


def first_due_s(key: str, pace: PollSchedule, now_s: float) -> float:
    """Tell when a new target is first asked: soon, but not all of them at once."""
    sweep_s = min(pace.interval_s, FIRST_SWEEP_S, pace.fleet / FEW_PER_S)
    return now_s + place(key) * max(sweep_s, pace.fleet / FIRST_CONTACTS_PER_S)


def next_due_s(key: str, pace: PollSchedule, due_s: float, now_s: float, failures: int) -> float:
    """Tell when a target is asked again after a reading, or after failures in a row.

    `due_s` is when it was due this time. A fleet that began all at once drifts towards each
    target's own place by a tenth of the interval at most, so that no reading comes late for it.
    """
    jitter_s = random.uniform(0, _JITTER * pace.interval_s)  # noqa: S311 - spreads load, no secret
    if failures:
        wait_s = min(pace.interval_s * 2.0 ** min(failures - 1, 30), pace.max_backoff_s)
        return now_s + wait_s + jitter_s
    usual_s = due_s + pace.interval_s
    ahead_s = (place(key) * pace.interval_s - usual_s) % pace.interval_s
    away_s = ahead_s if ahead_s <= pace.interval_s / 2 else ahead_s - pace.interval_s
    step_s = min(max(away_s, -_STEP * pace.interval_s), _STEP * pace.interval_s)
    return max(usual_s + step_s + jitter_s, now_s)


def beat_s(due_s: float) -> float:
    """Tell the beat on which something due is done: the process wakes for each, not each target.

    A thousand targets a second are asked in fifty beats of twenty, for half the CPU.
    """
    return math.ceil(due_s / BEAT_S) * BEAT_S


def place(key: str) -> float:
    """Give a key its place in 0..1, the same in every process."""
    return zlib.crc32(key.encode()) / 2**32
