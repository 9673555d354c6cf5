"""Utilization of a simulated machine over time: a daily cycle, and jobs.

Both are pure functions of time with exact integrals, so that an energy counter, three protocols and
a test agree.
"""

import math
import random
from itertools import accumulate

DAY_S = 86_400.0
# A job starts or ends at this interval; equal levels in a row make the longer ones.
TURN_S = 1320.0
# Waiting, input and output, and the plateaus that real codes show.
_LEVELS = tuple(
    random.Random(2026).choices((0.0, 0.12, 0.55, 0.8, 0.95, 1.0), (3, 1, 2, 4, 4, 2), k=499)  # noqa: S311 - scenery
)
_BEFORE = (0.0, *accumulate(_LEVELS))


def day(time_s: float, phase: float) -> float:
    """Return the utilization at a time of day, in 0..1; with phase 0 the peak is at 06:00 UTC."""
    return (1 + math.sin(2 * math.pi * (time_s / DAY_S + phase))) / 2


def day_seconds(time_s: float, phase: float) -> float:
    """Return the integral of `day` up to a time, in seconds."""
    turn = DAY_S / (2 * math.pi)
    return (time_s - turn * math.cos(2 * math.pi * (time_s / DAY_S + phase))) / 2


def jobs(time_s: float, offset: float) -> float:
    """Return the utilization by the current job of a machine with an `offset` in 0..1, in 0..1."""
    return _LEVELS[int(_turns(time_s, offset)) % len(_LEVELS)]


def job_seconds(time_s: float, offset: float) -> float:
    """Return the integral of `jobs` up to a time, in seconds."""
    turns = _turns(time_s, offset)
    rounds, turn = divmod(int(turns), len(_LEVELS))
    now = (turns - int(turns)) * _LEVELS[turn]
    return TURN_S * (rounds * _BEFORE[-1] + _BEFORE[turn] + now)


def last_change_s(time_s: float, offset: float) -> float:
    """Return when the current job started."""
    turns = _turns(time_s, offset)
    return time_s - TURN_S * (turns - int(turns))


def _turns(time_s: float, offset: float) -> float:
    return time_s / TURN_S + offset * len(_LEVELS)
