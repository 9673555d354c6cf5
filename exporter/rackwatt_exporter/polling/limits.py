"""How many may be asked at once: in one subnet, with one credential, at one endpoint.

The living and the suspect wait in separate lanes. A dead BMC holds its place until its deadline;
were the lanes one, a rack without power would make the healthy ones late.
"""

import asyncio
import ipaddress
from collections.abc import Hashable

from rackwatt_exporter.config.target import Target


class ConcurrencyLimit:
    """Places to be held together, taken in a fixed order so that nobody waits in a circle."""

    __slots__ = ("_held", "_places")

    def __init__(self, places: tuple[asyncio.Semaphore, ...]) -> None:
        self._places = places
        self._held = 0

    async def __aenter__(self) -> None:
        try:
            for place in self._places:
                await place.acquire()
                self._held += 1
        except BaseException:
            self._release()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._release()

    def _release(self) -> None:
        while self._held:
            self._held -= 1
            self._places[self._held].release()


class ConcurrencyLimiter:
    """Every place there is in this process, made when first asked for."""

    def __init__(self) -> None:
        self._places: dict[Hashable, asyncio.Semaphore] = {}

    def living(self, target: Target) -> ConcurrencyLimit:
        """Give the gate of a target that answered last time."""
        return ConcurrencyLimit((self._endpoint(target), self._subnet(target, "living")))

    def suspect(self, target: Target) -> ConcurrencyLimit:
        """Give the gate of a target that is new, or failed last time."""
        credential = ("credential", target.method, target.credentials)
        return ConcurrencyLimit(
            (
                self._endpoint(target),
                self._place(credential, target.credential_limit),
                self._subnet(target, "suspect"),
            )
        )

    def _endpoint(self, target: Target) -> asyncio.Semaphore:
        port = getattr(target.options, "port", 0)
        return self._place(("endpoint", target.method, target.address, port), 1)

    def _subnet(self, target: Target, lane: str) -> asyncio.Semaphore:
        return self._place(("subnet", lane, subnet(target.address)), target.subnet_limit)

    def _place(self, key: Hashable, width: int) -> asyncio.Semaphore:
        if key not in self._places:
            self._places[key] = asyncio.Semaphore(width)
        return self._places[key]


def subnet(address: str) -> str:
    """Name the /24 or /64 of an address. A host name does not tell its neighbours: it is alone."""
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return address
    return str(ipaddress.ip_network((address, 24 if version == 4 else 64), strict=False))
