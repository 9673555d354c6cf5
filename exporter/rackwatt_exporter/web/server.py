"""HTTP server: listener, authentication and limits in front of an application.

It reloads the web configuration when the file changes. It logs the problems of an invalid one and
keeps the previous configuration.
"""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from rackwatt_exporter.web.listener import ConnectionRejected, Listener
from rackwatt_exporter.web.middleware.authentication import Authentication
from rackwatt_exporter.web.middleware.request_limit import MAX_REQUESTS, RequestLimit
from rackwatt_exporter.web.middleware.write_timeout import WriteTimeout
from rackwatt_exporter.web.web_config_file import (
    Fingerprint,
    WebConfigError,
    WebConfigFile,
    fingerprint,
    read,
)

log = logging.getLogger(__name__)

_WATCH_S = 2.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of requests and connections."""

    requests: int = MAX_REQUESTS
    connections: int = 512
    idle_s: float = 75.0  # without a complete request; Prometheus scrapes every minute
    sending_s: float = 60.0
    handshake_s: float = 10.0


class Server:
    """Server of an application; without a configuration file, without TLS and users."""

    def __init__(
        self, application: web.Application, path: Path | None = None, limits: Limits | None = None
    ) -> None:
        self._path = path
        self._limits = limits or Limits()
        self._authentication = Authentication()
        write_timeout = WriteTimeout(self._limits.sending_s)
        request_limit = RequestLimit(self._limits.requests, write_timeout)
        for layer in (write_timeout, self._authentication, request_limit):  # outermost first
            application.middlewares.append(layer.middleware)
        application.on_response_prepare.append(self._authentication.prepare)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            shutdown_timeout=2.0,
            keepalive_timeout=self._limits.idle_s,
            lingering_time=1.0,
        )
        self._listener: Listener | None = None
        self._fingerprint: Fingerprint = ()
        self._reloading = asyncio.Lock()

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """The addresses that it listens on."""
        return self._listener.addresses if self._listener else []

    async def start(self, host: str, port: int) -> None:
        """Start listening.

        Raises:
            WebConfigError: the web configuration has problems.
            OSError: the address is not of this host, or is in use.
        """
        configuration = await self._read()
        self._listener = Listener(host, port, self._limits.handshake_s)
        await self._runner.setup()
        self._authentication.apply(configuration)
        await self._listener.serve(self._connection, configuration.tls)

    async def reload(self) -> list[str]:
        """Reload the file and apply it; return its problems."""
        async with self._reloading:
            try:
                configuration = await self._read()
            except WebConfigError as error:
                for problem in error.problems:
                    log.error("%s; keeping the previous configuration", problem)
                return error.problems
            await self._apply(configuration)
            return []

    async def watch(self) -> None:
        """Reload whenever the file, or one that it names, has changed, until cancelled."""
        while True:
            await asyncio.sleep(_WATCH_S)
            if self._path and await asyncio.to_thread(fingerprint, self._path) != self._fingerprint:
                await self.reload()

    async def close(self) -> None:
        """Stop listening, and close the connections."""
        if self._listener:
            self._listener.close()
        await self._runner.cleanup()

    async def _read(self) -> WebConfigFile:
        if self._path is None:
            return WebConfigFile()
        self._fingerprint = await asyncio.to_thread(fingerprint, self._path)
        return await asyncio.to_thread(read, self._path)

    async def _apply(self, configuration: WebConfigFile) -> None:
        current = self._authentication.configuration
        if configuration == current:
            return
        if configuration.tls_files == current.tls_files:
            configuration = configuration.with_tls(current.tls)
        self._authentication.apply(configuration)
        if configuration.tls is not current.tls and self._listener:
            await self._listener.serve(self._connection, configuration.tls)
        log.info("web configuration reloaded: %s", configuration)

    def _connection(self) -> asyncio.BaseProtocol:
        server = self._runner.server
        if server is None or len(server.connections) >= self._limits.connections:
            return ConnectionRejected()
        return server()
