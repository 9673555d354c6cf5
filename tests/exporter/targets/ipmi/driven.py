"""What the tests of IPMI targets share: accounts as files, targets, a driver that is closed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rackwatt_exporter.config.options import IpmiOptions
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.targets.base import Source
from rackwatt_exporter.targets.ipmi.source import IpmiDriver
from tests.eventually import PATIENCE_S

ACCOUNTS = {
    "bmc": ("root", "calvin00"),
    "watcher": ("watcher", "looks-only"),
    "stranger": ("nobody", "calvin00"),
    "wrong": ("root", "not-it"),
    "long": ("root", "a password of more than twenty bytes"),
    "simulated": ("monitor", "simulated"),
}


class Driven:
    """A driver and the sources that were made, so that all can be closed."""

    def __init__(self, directory: Path) -> None:
        self.driver = IpmiDriver(Secrets(directory))
        self._sources: list[Source] = []

    def source(
        self,
        end: Any,
        credentials: str = "bmc",
        privilege: str = "admin",
        timing: dict[str, Any] | None = None,
        **options: Any,
    ) -> Any:
        """Make a source for whatever has an address and a port."""
        said = IpmiOptions(port=end.port, privilege=privilege, **options)  # type: ignore[arg-type]
        node = f"node{len(self._sources)}"
        timing = {"timeout_s": PATIENCE_S, **(timing or {})}
        target = Target(node, end.address, "ipmi", said, "tests", credentials=credentials, **timing)
        source = self.driver.source(target)
        self._sources.append(source)
        return source

    async def close(self) -> None:
        for source in self._sources:
            await source.close()
        await self.driver.close()


@asynccontextmanager
async def driven(directory: Path) -> AsyncIterator[Driven]:
    """Return a driver whose accounts are files in a directory."""
    for name, (username, password) in ACCOUNTS.items():
        (directory / name).mkdir(parents=True, exist_ok=True)
        (directory / name / "username").write_text(username + "\n")
        (directory / name / "password").write_text(password + "\n")
    made = Driven(directory)
    try:
        yield made
    finally:
        await made.close()
