"""Faults of HTTP requests to one service, and of its responses.

TCP hides lost packets, which only add delay. The other faults are silence on an open connection,
garbage, and closed connections.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from rackwatt_exporter.simulator.faults.device_faults import FaultState

Garbage = tuple[int, str, Callable[[bytes], bytes]]

_GARBAGE: tuple[Garbage, ...] = (
    (200, "text/html", lambda _: b"<html><body>Please wait while the BMC starts</body></html>"),
    (200, "application/json", lambda body: body[: len(body) // 2]),
    (200, "application/json", lambda _: b"[]"),
    (200, "application/json", lambda _: b"\xff\xfe{}"),
    (500, "text/plain", lambda _: b"Segmentation fault"),
)


class RestartableService(Protocol):
    """A service that responds to requests at one address."""

    def restart(self) -> None:
        """Lose the state that a restart loses."""
        ...


class HttpFaultLayer:
    """Applies faults between clients and a service, and to their connections."""

    def __init__(self, service: RestartableService) -> None:
        self._service = service
        self._restarts = 0
        self._connections: list[asyncio.Transport] = []

    def restart_if_due(self, state: FaultState) -> None:
        """Restart the service if its state says so, and drop all connections."""
        if state.restarts == self._restarts:
            return
        self._restarts = state.restarts
        self._service.restart()
        for connection in self._connections:
            connection.abort()
        self._connections.clear()

    async def handle(
        self,
        state: FaultState,
        request: web.BaseRequest,
        respond: Callable[[], web.Response],
    ) -> web.Response:
        """Pass a request to the service, and return its response, with the faults of the state."""
        self._track(request.transport)
        self.restart_if_due(state)
        delay_s = state.delay_s()
        if state.silent or delay_s is None:
            await asyncio.Event().wait()  # until the client disconnects, which cancels this
        await asyncio.sleep((delay_s or 0.0) + state.retransmission_s())
        response = respond()
        return _corrupted(state, response) if state.happens(state.fault.garbage) else response

    def _track(self, connection: asyncio.Transport | None) -> None:
        if connection is not None and connection not in self._connections:
            self._connections = [each for each in self._connections if not each.is_closing()]
            self._connections.append(connection)


def _corrupted(state: FaultState, response: web.Response) -> web.Response:
    status, kind, make = state.choose(_GARBAGE)
    body = response.body if isinstance(response.body, bytes) else b""
    return web.Response(status=status, content_type=kind, body=make(body))
