"""Division of an integer by weights, so that the parts add up to it exactly.

Shares are rounded by the method of the largest remainder: each part is the exact share rounded down
or up. Joules that are divided in floating point would leak a little at every interval, which looks
like a defect.
"""

from collections.abc import Mapping
from heapq import nlargest
from typing import TypeVar

K = TypeVar("K")


def apportion(amount: int, weights: Mapping[K, int]) -> dict[K, int]:
    """Divide an amount by weights, none of which is negative.

    Raises:
        ValueError: no weight is above 0.
    """
    total = sum(weights.values())
    if total <= 0:
        raise ValueError("no weight is above 0")
    parts: dict[K, int] = {}
    remainders: dict[K, int] = {}
    for key, weight in weights.items():
        parts[key], remainders[key] = divmod(amount * weight, total)
    for key in nlargest(amount - sum(parts.values()), remainders, key=remainders.__getitem__):
        parts[key] += 1
    return parts
