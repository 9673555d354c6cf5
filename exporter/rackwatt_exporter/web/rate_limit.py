"""Rate limit of requests by the client's address: a token bucket for each.

Addresses behind one IPv6 prefix of 64 bits are one client, since a host may take any of them.
"""

import ipaddress
import time
from collections.abc import Callable

_MAX_CLIENTS = 4096
_PREFIX_BITS = 64


class RateLimit:
    """At most `rate` requests a second of each client in the long run, and `burst` at once."""

    def __init__(
        self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def allows(self, address: str | None) -> bool:
        """Count a request; return whether it is within the limit."""
        client, now_s = client_of(address), self._clock()
        left, at_s = self._buckets.pop(client, (float(self._burst), now_s))
        left = min(float(self._burst), left + (now_s - at_s) * self._rate)
        if len(self._buckets) >= _MAX_CLIENTS:  # the least recent, whose bucket is the fullest
            del self._buckets[next(iter(self._buckets))]
        self._buckets[client] = (max(0.0, left - 1), now_s)
        return left >= 1


def client_of(address: str | None) -> str:
    """Return what of an address names a client: IPv4 whole, of IPv6 its prefix."""
    try:
        parsed = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return address or ""
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:  # a listener of both families
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _PREFIX_BITS), strict=False))
