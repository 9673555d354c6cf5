"""Semantic comparison of a desired with a live object: the live one contains the desired fields.

The API server adds defaults and other controllers add fields, so only desired fields are compared.
It also normalises some values: quantities to their shortest form, empty lists to nothing.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)([A-Za-z]{0,2})\Z")
_UNITS = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1),
    "k": Decimal(10**3), "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12),
    "P": Decimal(10**15), "E": Decimal(10**18),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40),
    "Pi": Decimal(2**50), "Ei": Decimal(2**60),
}  # fmt: skip


def contains(desired: Any, live: Any) -> bool:
    """Return whether every desired field has its value in the live object; it may have more."""
    if isinstance(desired, Mapping):
        return _mapping(desired, live)
    if isinstance(desired, Sequence) and not isinstance(desired, str):
        return _sequence(desired, live)
    return bool(desired == live) or _same_quantity(desired, live)


def _mapping(desired: Mapping[str, Any], live: Any) -> bool:
    if not desired and live is None:
        return True
    return isinstance(live, Mapping) and all(
        contains(value, live.get(key)) for key, value in desired.items()
    )


def _sequence(desired: Sequence[Any], live: Any) -> bool:
    if not desired and live is None:
        return True
    return (
        isinstance(live, Sequence)
        and len(live) == len(desired)
        and all(map(contains, desired, live))
    )


def _same_quantity(desired: Any, live: Any) -> bool:
    """Compare like Kubernetes' resource.Quantity: `0.5` is `500m`, `1024Mi` is `1Gi`."""
    if not isinstance(live, str) or not isinstance(desired, str | int | float):
        return False
    ours, theirs = _quantity(str(desired)), _quantity(live)
    return ours is not None and ours == theirs


def _quantity(text: str) -> Decimal | None:
    match = _QUANTITY.match(text)
    if match is None or match[2] not in _UNITS:
        return None
    return Decimal(match[1]) * _UNITS[match[2]]
