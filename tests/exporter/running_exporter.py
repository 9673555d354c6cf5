"""A whole exporter in the test's own loop, over documents written for it, behind a real socket."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from rackwatt_crds.cli.loop_lag import LoopLagMonitor
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.exporter import Exporter
from rackwatt_exporter.web.app import WebApp
from rackwatt_exporter.web.server import Limits, Server
from tests.eventually import PATIENCE_S


class RunningExporter:
    """An exporter over `directory`: documents in it, secrets and state in folders below it."""

    def __init__(
        self,
        directory: Path,
        telemetry_path: str = "/metrics",
        limits: Limits | None = None,
        host: HostPaths | None = None,
        profiles: Collection[str] = ("power-exporter",),
    ) -> None:
        self.directory = directory
        self.exporter = Exporter(
            [directory],
            Secrets(directory / "secrets"),
            directory / "state",
            profiles,
            host=host,
        )
        self.app = WebApp(self.exporter, LoopLagMonitor(), telemetry_path)
        self._front = Server(self.app.build(), None, limits)

    async def __aenter__(self) -> Self:
        await self._front.start("127.0.0.1", 0)
        ((host, port),) = self._front.addresses
        self.url = f"http://{host}:{port}"
        self._client = aiohttp.ClientSession()
        await self.exporter.reload()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.close()
        await self._front.close()
        await self.exporter.close()

    @asynccontextmanager
    async def get(self, path: str, **headers: str) -> AsyncIterator[aiohttp.ClientResponse]:
        async with self._client.get(self.url + path, headers=headers) as response:
            yield response

    async def text(self, path: str = "/metrics", **headers: str) -> str:
        async with self.get(path, **headers) as response:
            return await response.text()

    async def json(self, path: str = "/status") -> Any:
        async with self.get(path) as response:
            return await response.json()

    async def until(self, matches: Callable[[str], bool], path: str = "/metrics") -> str:
        """Read a page until it matches."""
        async with asyncio.timeout(PATIENCE_S):
            while not matches(text := await self.text(path)):
                await asyncio.sleep(0.02)
        return text


def power_target(hosts: str, *, method: str = "fake", spec: str = "interval: 200ms") -> str:
    """Write a PowerTarget named lab."""
    return (
        "apiVersion: rackwatt.dev/v1alpha1\nkind: PowerTarget\nmetadata: {name: lab}\n"
        f"spec:\n  {spec}\n  bmc:\n    method: {method}\n    hosts: {hosts}\n"
    )


def rewrite(path: Path, text: str) -> None:
    """Replace a file atomically, as Kubernetes does."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text)
    fresh.replace(path)
