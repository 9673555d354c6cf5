"""Kubernetes' quantities as whole numbers: `100m`, `1.5`, `16Gi`, `12e6`.

The grammar is that of k8s.io/apimachinery, pkg/api/resource. Where a quantity is no whole number
of units, it is rounded up, as the scheduler of Kubernetes does.
"""

import re
from functools import lru_cache

from rackwatt_exporter.schedulers.model.fields import MAX_COUNT

_QUANTITY = re.compile(
    r"([0-9]{0,20})(?:\.([0-9]{0,20}))?(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?[0-9]{1,2}))?\Z"
)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


@lru_cache(4096)
def quantity(text: str, per_unit: int = 1) -> int:
    """Return a quantity in parts of its unit: with `per_unit` 1000, `1.5` is 1500.

    Raises:
        ValueError: it is none, or negative, or larger than what a node can have.
    """
    match = _QUANTITY.match(text)
    whole, fraction, suffix, exponent = match.groups("") if match else ("", "", "", "")
    if not whole + fraction:
        raise ValueError(f"{text[:40]!r} is not a quantity of Kubernetes")
    shift = _DECIMAL.get(suffix, 0) + int(exponent or 0) - len(fraction)
    scaled = int(whole + fraction) * per_unit << _BINARY.get(suffix, 0)
    power: int = 10 ** abs(shift)
    count = scaled * power if shift >= 0 else -(-scaled // power)
    if count > MAX_COUNT:
        raise ValueError(f"{text!r} is more than a node can have")
    return count
