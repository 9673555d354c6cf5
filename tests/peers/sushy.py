"""Start sushy-emulator with the power that a test wants, and look into it."""

import asyncio
import json
import ssl
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import trustme

READY_DEADLINE_S = 15.0
USERNAME, PASSWORD = "admin", "secret"
SYSTEM = "27946b59-9e44-4fa7-8e91-f3527a1ef094"
CHASSIS = "48295861-2522-3561-6729-621118518810"

CONFIG = """
SUSHY_EMULATOR_FAKE_DRIVER = True
SUSHY_EMULATOR_STATE_DIR = '{directory}'
SUSHY_EMULATOR_AUTH_FILE = '{directory}/htpasswd'
SUSHY_EMULATOR_CHASSIS = [{{'Id': 'Chassis', 'Name': 'Chassis', 'UUID': '{chassis}'}}]
SUSHY_EMULATOR_FAKE_SYSTEMS = [{{'uuid': '{system}', 'name': 'node', 'power_state': 'On', 'nics': []}}]
"""


class Sushy:
    """A running emulator."""

    def __init__(self, port: int, authority: Path) -> None:
        self.address = "127.0.0.1"
        self.port = port
        self.authority = authority
        self._client = httpx.AsyncClient(
            base_url=f"https://{self.address}:{port}",
            verify=ssl.create_default_context(cafile=authority),
            auth=(USERNAME, PASSWORD),
        )

    async def get(self, path: str) -> Any:
        """Read a resource as any other client would: the oracle."""
        return (await self._client.get(path)).raise_for_status().json()

    async def tell(self, **changes: Any) -> None:
        """Change how it answers from now on: routes, sessions, password, power_state, delay_s."""
        (await self._client.put("/peer", json=changes)).raise_for_status()

    async def seen(self) -> dict[str, Any]:
        """Tell what it was asked so far, the most at once, and the sessions there are."""
        seen: dict[str, Any] = await self.get("/peer")
        return seen

    async def requests(self) -> list[str]:
        """Tell what it was asked so far."""
        return list((await self.seen())["requests"])

    async def close(self) -> None:
        """Close our own look into it."""
        await self._client.aclose()


@asynccontextmanager
async def sushy(
    directory: Path, routes: Mapping[str, Any] | None = None, **settings: Any
) -> AsyncIterator[Sushy]:
    """Run the emulator with these routes added until the block ends.

    A route is what it answers, or `{"peer": {"status":, "body":, "type":, "headers":}}`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    _write_files(directory, routes or {}, settings)
    program = Path(__file__).with_name("sushy_emulator.py")
    with (directory / "sushy.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(program), str(directory), stdout=log, stderr=log
        )
    try:
        peer = Sushy(await _port(directory, process), directory / "ca.crt")
        try:
            yield peer
        finally:
            await peer.close()
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def _write_files(directory: Path, routes: Mapping[str, Any], settings: dict[str, Any]) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "bmc.example")
    authority.cert_pem.write_to_path(directory / "ca.crt")
    certificate.private_key_pem.write_to_path(directory / "server.key")
    chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
    (directory / "server.pem").write_bytes(chain)
    said = {"sessions": "kept", "password": PASSWORD, "delay_s": 0, **settings}
    (directory / "peer.json").write_text(json.dumps({**said, "routes": routes}))
    config = CONFIG.format(directory=directory, chassis=CHASSIS, system=SYSTEM)
    (directory / "sushy.conf").write_text(config)


async def _port(directory: Path, process: asyncio.subprocess.Process) -> int:
    path = directory / "port"
    async with asyncio.timeout(READY_DEADLINE_S):
        while not path.exists():
            if process.returncode is not None:
                raise RuntimeError((directory / "sushy.log").read_text())
            await asyncio.sleep(0.02)
    return int(path.read_text())
