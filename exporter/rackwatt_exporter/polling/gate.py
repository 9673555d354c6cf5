"""How many may be asked at once: in one subnet, with one credential, at one endpoint.

The living and the suspect wait in separate lanes. A dead BMC is waited for until its deadline; were
the lanes one, a rack without power would make the healthy ones late. In the lane of the suspect,
where nobody knows yet who is dead, places are lent for a moment only.
"""

import asyncio
import ipaddress
from collections.abc import Hashable

from rackwatt_exporter.settings.target import Target

LENT_S = 1.0
_LATE_S = 0.05


class Gate:
    """Places to be held together, taken in a fixed order so that nobody waits in a circle.

    Those that are `lent` are given back after LENT_S: a peer that is silent for so long refuses no
    password and needs none of the bandwidth, and whoever waits behind it may well be alive. Where
    this process itself is late, the silence is its own, and letting more in would add to it.
    """

    __slots__ = ("_held", "_kept", "_places", "_timer")

    def __init__(
        self, places: tuple[asyncio.Semaphore, ...], lent: tuple[asyncio.Semaphore, ...] = ()
    ) -> None:
        self._kept = len(places)
        self._places = places + lent
        self._held = 0
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> None:
        try:
            for place in self._places:
                await place.acquire()
                self._held += 1
        except BaseException:
            self._release()
            raise
        if self._held > self._kept:
            self._lend()

    async def __aexit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._release()

    def _lend(self, due_s: float = 0.0) -> None:
        """Give back what is lent, if it is due and we are in time; else look again later."""
        loop = asyncio.get_running_loop()
        if due_s and loop.time() < due_s + _LATE_S:
            self._release(self._kept)
            return
        due_s = loop.time() + LENT_S
        self._timer = loop.call_at(due_s, self._lend, due_s)

    def _release(self, kept: int = 0) -> None:
        while self._held > kept:
            self._held -= 1
            self._places[self._held].release()


class Gates:
    """Every place there is in this process, made when first asked for."""

    def __init__(self) -> None:
        self._places: dict[Hashable, asyncio.Semaphore] = {}

    def living(self, target: Target) -> Gate:
        """Give the gate of a target that answered last time."""
        return Gate((self._endpoint(target), self._subnet(target, "living")))

    def suspect(self, target: Target) -> Gate:
        """Give the gate of a target that is new, or failed last time."""
        credential = self._place(("credential", target.credentials), target.credential_limit)
        return Gate((self._endpoint(target),), lent=(credential, self._subnet(target, "suspect")))

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
    """Name the /24 or /64 of an address; the domain of a host name."""
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return address.partition(".")[2]
    return str(ipaddress.ip_network((address, 24 if version == 4 else 64), strict=False))
