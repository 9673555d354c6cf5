"""Whether an object already is what we want it to be: our fields have our values.

The API server adds defaults and other controllers add fields of theirs: only what we say is
compared. It also writes some values in another way than they were given: quantities in their
shortest form, nothing instead of an empty list.
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


def matches(desired: Any, live: Any) -> bool:
    """Tell whether everything that is desired is there; more may be."""
    if isinstance(desired, Mapping):
        return _mapping(desired, live)
    if isinstance(desired, Sequence) and not isinstance(desired, str):
        return _sequence(desired, live)
    return bool(desired == live) or _same_quantity(desired, live)


def _mapping(desired: Mapping[str, Any], live: Any) -> bool:
    if not desired and live is None:
        return True
    return isinstance(live, Mapping) and all(
        matches(value, live.get(key)) for key, value in desired.items()
    )


def _sequence(desired: Sequence[Any], live: Any) -> bool:
    if not desired and live is None:
        return True
    return (
        isinstance(live, Sequence)
        and len(live) == len(desired)
        and all(map(matches, desired, live))
    )


def _same_quantity(desired: Any, live: Any) -> bool:
    """Compare as Kubernetes' resource.Quantity: `0.5` is `500m`, `1024Mi` is `1Gi`."""
    if not isinstance(live, str) or not isinstance(desired, str | int | float):
        return False
    ours, theirs = _quantity(str(desired)), _quantity(live)
    return ours is not None and ours == theirs


def _quantity(text: str) -> Decimal | None:
    found = _QUANTITY.match(text)
    if found is None or found[2] not in _UNITS:
        return None
    return Decimal(found[1]) * _UNITS[found[2]]
