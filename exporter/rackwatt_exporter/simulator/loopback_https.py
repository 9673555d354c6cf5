"""A fleet of simulated HTTPS services at one TCP port, each at its own loopback address."""

import socket
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from aiohttp import web

from rackwatt_exporter.simulator.faults.device_faults import Faults
from rackwatt_exporter.simulator.faults.http_faults import HttpWay
from rackwatt_exporter.simulator.faults.tls_listener import ConnectionPolicy, TlsListener

KEEP_CONNECTION_S = 3600.0
_SHUTDOWN_S = 0.5


class HttpsService(Protocol):
    """What answers at one address."""

    def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> web.Response:
        """Answer a request; `path` has the query in it."""
        ...

    def restart(self) -> None:
        """Forget who was logged in."""
        ...


class HttpsServer:
    """Services keyed by their IPv4 address, all at one TCP port, with their faults."""

    def __init__(
        self,
        services: Mapping[str, HttpsService],
        port: int,
        files: tuple[Path, Path],
        faults: Faults | None = None,
    ) -> None:
        self._services = services
        self._ways: dict[str, HttpWay] = {}
        self._faults = faults or Faults()
        self._port = port
        self._server = web.Server(
            self._answer,
            access_log=None,
            keepalive_timeout=KEEP_CONNECTION_S,
            handler_cancellation=True,
        )
        self._runner = web.ServerRunner(self._server, shutdown_timeout=_SHUTDOWN_S)
        self._door = TlsListener((services, port), files, self._server, self._welcome)

    async def start(self) -> None:
        """Listen and answer from now on.

        Raises:
            OSError: the port is taken.
        """
        await self._runner.setup()
        self._door.open()

    async def close(self) -> None:
        """Hang up on everybody."""
        await self._door.close()
        await self._runner.cleanup()

    def _welcome(self, address: str) -> ConnectionPolicy:
        condition = self._faults.condition(socket.inet_aton(address))
        service = self._services.get(address)
        if condition is None or service is None:
            return ConnectionPolicy()
        self._way(address, service).look(condition)
        return ConnectionPolicy(condition.fault.certificate, condition.silent)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        place = request.get_extra_info("sockname")  # None where the client has hung up
        address = place[0] if place else ""
        service = self._services.get(address)
        if service is None:
            return web.Response(status=404)
        body = await request.read()
        path = request.raw_path
        answer = partial(service.answer, request.method, path, request.headers, body)
        condition = self._faults.condition(socket.inet_aton(address))
        if condition is None:
            return answer()
        return await self._way(address, service).carry(condition, request, answer)

    def _way(self, address: str, service: HttpsService) -> HttpWay:
        if address not in self._ways:
            self._ways[address] = HttpWay(service)
        return self._ways[address]
