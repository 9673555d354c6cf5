"""When the next question is due: pure arithmetic on a clock that only goes forward.

Each target has a place of its own within the interval, taken from its name: a fleet spreads evenly,
stays spread across restarts and reloads, and a little jitter keeps it from marching in step with
whatever else is periodic.
"""

import random
import zlib
from dataclasses import dataclass

FIRST_SWEEP_S = 10.0
_JITTER = 0.05


@dataclass(frozen=True, slots=True)
class Pace:
    """How often one source is asked, how long it may take, and how long a failure may rest."""

    interval_s: float
    timeout_s: float
    max_backoff_s: float


def first_due_s(key: str, pace: Pace, now_s: float) -> float:
    """Tell when a new target is first asked: soon, but not all of them at once."""
    return now_s + place(key) * min(pace.interval_s, FIRST_SWEEP_S)


def next_due_s(key: str, pace: Pace, now_s: float, failures: int) -> float:
    """Tell when a target is asked again after a reading, or after failures in a row."""
    jitter_s = random.uniform(0, _JITTER * pace.interval_s)  # noqa: S311 - spreads load, no secret
    if failures:
        wait_s = min(pace.interval_s * 2.0 ** min(failures - 1, 30), pace.max_backoff_s)
        return now_s + wait_s + jitter_s
    offset_s = place(key) * pace.interval_s
    turns = (now_s - offset_s + pace.interval_s / 2) // pace.interval_s + 1
    return turns * pace.interval_s + offset_s + jitter_s


def place(key: str) -> float:
    """Give a key its place in 0..1, the same in every process."""
    return zlib.crc32(key.encode()) / 2**32
