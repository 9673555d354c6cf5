"""Parser of durations into seconds."""

import re

_PARTS = re.compile(r"([0-9]+)(ms|h|m|s)")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def seconds(text: str) -> float:
    """Parse a duration such as `1m30s` that already matched the pattern of `fields.Duration`."""
    return sum(int(amount) * _SECONDS[unit] for amount, unit in _PARTS.findall(text))
