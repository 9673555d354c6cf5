"""What happens to HTTP requests on their way to one faulty service, and to its answers.

TCP hides what UDP shows: a lost packet is a later one. What is left is to wait, to be silent with
the connection open, to answer garbage, and to hang up.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from rackwatt_exporter.simulator.faults.device_faults import Condition

Garbage = tuple[int, str, Callable[[bytes], bytes]]

_GARBAGE: tuple[Garbage, ...] = (
    (200, "text/html", lambda _: b"<html><body>Please wait while the BMC starts</body></html>"),
    (200, "application/json", lambda body: body[: len(body) // 2]),
    (200, "application/json", lambda _: b"[]"),
    (200, "application/json", lambda _: b"\xff\xfe{}"),
    (500, "text/plain", lambda _: b"Segmentation fault"),
)


class Service(Protocol):
    """What answers requests at one address."""

    def restart(self) -> None:
        """Forget what a restart makes it forget."""
        ...


class HttpWay:
    """The way from clients to a service and back, and the connections that lead there."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._restarts = 0
        self._connections: list[asyncio.Transport] = []

    def look(self, condition: Condition) -> None:
        """Let the service restart if it is time: whoever is connected is not any more."""
        if condition.restarts == self._restarts:
            return
        self._restarts = condition.restarts
        self._service.restart()
        for connection in self._connections:
            connection.abort()
        self._connections.clear()

    async def carry(
        self,
        condition: Condition,
        request: web.BaseRequest,
        answer: Callable[[], web.Response],
    ) -> web.Response:
        """Hand a request over, and give what comes of it, when it is time."""
        self._note(request.transport)
        self.look(condition)
        delay_s = condition.delay_s()
        if condition.silent or delay_s is None:
            await asyncio.Event().wait()  # until the client hangs up, which cancels this
        await asyncio.sleep((delay_s or 0.0) + condition.retransmitted_s())
        response = answer()
        return (
            _spoilt(condition, response) if condition.happens(condition.fault.garbage) else response
        )

    def _note(self, connection: asyncio.Transport | None) -> None:
        if connection is not None and connection not in self._connections:
            self._connections = [each for each in self._connections if not each.is_closing()]
            self._connections.append(connection)


def _spoilt(condition: Condition, response: web.Response) -> web.Response:
    status, kind, make = condition.one_of(_GARBAGE)
    body = response.body if isinstance(response.body, bytes) else b""
    return web.Response(status=status, content_type=kind, body=make(body))
