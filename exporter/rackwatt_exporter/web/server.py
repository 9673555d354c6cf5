"""The front of the house: sockets, guard and places before one application.

It follows the web configuration as the file changes. One that is broken is told and passed over:
what was in force stays so.
"""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from rackwatt_exporter.web.listener import Listener, Refused
from rackwatt_exporter.web.middleware.authentication import Authentication
from rackwatt_exporter.web.middleware.request_limit import MOST_REQUESTS, RequestLimit
from rackwatt_exporter.web.middleware.write_timeout import WriteTimeout
from rackwatt_exporter.web.web_config_file import State, WebConfigError, WebConfigFile, read, state

log = logging.getLogger(__name__)

_LOOK_S = 2.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one side of a connection may ask of the other."""

    requests: int = MOST_REQUESTS
    connections: int = 512
    idle_s: float = 75.0  # without a whole request; Prometheus asks every minute
    sending_s: float = 60.0
    handshake_s: float = 10.0


class Server:
    """Serves an application as the file says; without a file, to everybody and in the clear."""

    def __init__(
        self, application: web.Application, path: Path | None = None, limits: Limits | None = None
    ) -> None:
        self._path = path
        self._limits = limits or Limits()
        self._guard = Authentication()
        delivery = WriteTimeout(self._limits.sending_s)
        places = RequestLimit(self._limits.requests, delivery)
        for layer in (delivery, self._guard, places):  # the outermost first
            application.middlewares.append(layer.middleware)
        application.on_response_prepare.append(self._guard.prepare)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            shutdown_timeout=2.0,
            keepalive_timeout=self._limits.idle_s,
            lingering_time=1.0,
        )
        self._listener: Listener | None = None
        self._seen: State = ()
        self._turn = asyncio.Lock()

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it listens."""
        return self._listener.addresses if self._listener else []

    async def start(self, host: str, port: int) -> None:
        """Listen.

        Raises:
            BrokenError: the web configuration has problems.
            OSError: the address is not ours, or is taken.
        """
        configuration = await self._read()
        self._listener = Listener(host, port, self._limits.handshake_s)
        await self._runner.setup()
        self._guard.take(configuration)
        await self._listener.serve(self._connection, configuration.tls)

    async def reload(self) -> list[str]:
        """Read the file again, and make it so; tell its problems."""
        async with self._turn:
            try:
                configuration = await self._read()
            except WebConfigError as error:
                for problem in error.problems:
                    log.error("%s; what was in force stays so", problem)
                return error.problems
            await self._take(configuration)
            return []

    async def watch(self) -> None:
        """Reload whenever the file, or one that it names, has changed, until cancelled."""
        while True:
            await asyncio.sleep(_LOOK_S)
            if self._path and await asyncio.to_thread(state, self._path) != self._seen:
                await self.reload()

    async def close(self) -> None:
        """Listen no more, and end what is under way."""
        if self._listener:
            self._listener.close()
        await self._runner.cleanup()

    async def _read(self) -> WebConfigFile:
        if self._path is None:
            return WebConfigFile()
        self._seen = await asyncio.to_thread(state, self._path)
        return await asyncio.to_thread(read, self._path)

    async def _take(self, configuration: WebConfigFile) -> None:
        present = self._guard.configuration
        if configuration == present:
            return
        if configuration.material == present.material:
            configuration = configuration.with_tls(present.tls)
        self._guard.take(configuration)
        if configuration.tls is not present.tls and self._listener:
            await self._listener.serve(self._connection, configuration.tls)
        log.info("web configuration read again: %s", configuration)

    def _connection(self) -> asyncio.BaseProtocol:
        server = self._runner.server
        if server is None or len(server.connections) >= self._limits.connections:
            return Refused()
        return server()
