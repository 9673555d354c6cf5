"""Durations of flags: as in documents, and days."""

import argparse
import re

from rackwatt_crds.duration import seconds

_DURATION = re.compile(r"(?:([0-9]{1,5})d)?((?:[0-9]{1,9}(?:h|ms|m|s))*)")
_DAY_S = 86400.0


def duration(text: str) -> float:
    """Parse a flag's duration such as `30d`, `10m` or `1m30s`; return seconds.

    Raises:
        argparse.ArgumentTypeError: the text is not a duration, or is shorter than a second.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration such as 30s, 10m or 30d")
    duration_s = int(match[1] or 0) * _DAY_S + seconds(match[2])
    if duration_s < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is less than a second")
    return duration_s
