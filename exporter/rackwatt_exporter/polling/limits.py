"""Limits of concurrent reads: per subnet, per credential, per endpoint.

Healthy and unproven targets wait in separate lanes. An unreachable BMC occupies its slot until the
timeout; with one lane, a rack without power would delay the healthy targets.
"""

import asyncio
import ipaddress
from collections.abc import Hashable

from rackwatt_exporter.config.target import Target


class ConcurrencyLimit:
    """Slots to be held together, acquired in a fixed order so that there is no deadlock."""

    __slots__ = ("_held", "_slots")

    def __init__(self, slots: tuple[asyncio.Semaphore, ...]) -> None:
        self._slots = slots
        self._held = 0

    async def __aenter__(self) -> None:
        try:
            for slot in self._slots:
                await slot.acquire()
                self._held += 1
        except BaseException:
            self._release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._release()

    def _release(self) -> None:
        while self._held:
            self._held -= 1
            self._slots[self._held].release()


class ConcurrencyLimiter:
    """All slots of this process, created on first use."""

    def __init__(self) -> None:
        self._slots: dict[Hashable, asyncio.Semaphore] = {}

    def healthy(self, target: Target) -> ConcurrencyLimit:
        """Return the limit of a target whose last read succeeded."""
        return ConcurrencyLimit((self._endpoint(target), self._subnet(target, "healthy")))

    def unproven(self, target: Target) -> ConcurrencyLimit:
        """Return the limit of a target that is new, or whose last read failed."""
        credential = ("credential", target.method, target.credentials)
        return ConcurrencyLimit(
            (
                self._endpoint(target),
                self._slot(credential, target.credential_limit),
                self._subnet(target, "unproven"),
            )
        )

    def _endpoint(self, target: Target) -> asyncio.Semaphore:
        port = getattr(target.options, "port", 0)
        return self._slot(("endpoint", target.method, target.address, port), 1)

    def _subnet(self, target: Target, lane: str) -> asyncio.Semaphore:
        return self._slot(("subnet", lane, subnet(target.address)), target.subnet_limit)

    def _slot(self, key: Hashable, width: int) -> asyncio.Semaphore:
        if key not in self._slots:
            self._slots[key] = asyncio.Semaphore(width)
        return self._slots[key]


def subnet(address: str) -> str:
    """Return the /24 or /64 of an address; a host name is a subnet of its own."""
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return address
    return str(ipaddress.ip_network((address, 24 if version == 4 else 64), strict=False))
