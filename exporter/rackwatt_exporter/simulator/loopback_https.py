"""A fleet of simulated HTTPS services at one TCP port, each at its own loopback address."""

import socket
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

from aiohttp import web

from rackwatt_exporter.simulator.faults.device_faults import Faults
from rackwatt_exporter.simulator.faults.http_faults import HttpFaultLayer
from rackwatt_exporter.simulator.faults.tls_listener import ConnectionPolicy, TlsListener

KEEP_CONNECTION_S = 3600.0
_SHUTDOWN_S = 0.5


class HttpsService(Protocol):
    """A service that responds at one address."""

    def answer(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> web.Response:
        """Return the response to a request; `path` includes the query."""
        ...

    def restart(self) -> None:
        """Drop all sessions."""
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
        self._layers: dict[str, HttpFaultLayer] = {}
        self._faults = faults or Faults()
        self._port = port
        self._server = web.Server(
            self._handle,
            access_log=None,
            keepalive_timeout=KEEP_CONNECTION_S,
            handler_cancellation=True,
        )
        self._runner = web.ServerRunner(self._server, shutdown_timeout=_SHUTDOWN_S)
        self._listener = TlsListener((services, port), files, self._server, self._policy)

    async def start(self) -> None:
        """Listen and serve requests.

        Raises:
            OSError: the port is taken.
        """
        await self._runner.setup()
        self._listener.open()

    async def close(self) -> None:
        """Close the listener and all connections."""
        await self._listener.close()
        await self._runner.cleanup()

    def _policy(self, address: str) -> ConnectionPolicy:
        state = self._faults.state(socket.inet_aton(address))
        service = self._services.get(address)
        if state is None or service is None:
            return ConnectionPolicy()
        self._layer(address, service).restart_if_due(state)
        return ConnectionPolicy(state.fault.certificate, state.silent)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        sockname = request.get_extra_info("sockname")  # None where the client has disconnected
        address = sockname[0] if sockname else ""
        service = self._services.get(address)
        if service is None:
            return web.Response(status=404)
        body = await request.read()
        path = request.raw_path
        respond = partial(service.answer, request.method, path, request.headers, body)
        state = self._faults.state(socket.inet_aton(address))
        if state is None:
            return respond()
        return await self._layer(address, service).handle(state, request, respond)

    def _layer(self, address: str, service: HttpsService) -> HttpFaultLayer:
        if address not in self._layers:
            self._layers[address] = HttpFaultLayer(service)
        return self._layers[address]
