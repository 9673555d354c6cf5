"""Start sushy-emulator with the power that a test wants, and look into it."""

import json
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import trustme

from tests.eventually import PATIENCE_S

USERNAME, PASSWORD = "admin", "secret"
SYSTEM = "27946b59-9e44-4fa7-8e91-f3527a1ef094"
CHASSIS = "48295861-2522-3561-6729-621118518810"

AS_IT_IS = {"sessions": "kept", "password": PASSWORD, "delay_s": 0, "routes": {}}

CONFIG = """
SUSHY_EMULATOR_FAKE_DRIVER = True
SUSHY_EMULATOR_STATE_DIR = '{directory}'
SUSHY_EMULATOR_AUTH_FILE = '{directory}/htpasswd'
SUSHY_EMULATOR_CHASSIS = [{{'Id': 'Chassis', 'Name': 'Chassis', 'UUID': '{chassis}'}}]
SUSHY_EMULATOR_FAKE_SYSTEMS = [{{'uuid': '{system}', 'name': 'node', 'power_state': 'On', 'nics': []}}]
"""


class Sushy:
    """A running emulator."""

    def __init__(self, port: int, control_port: int, authority: Path) -> None:
        self.address = "127.0.0.1"
        self.port = port
        self.authority = authority
        self._client = httpx.Client(
            base_url=f"https://{self.address}:{port}",
            verify=ssl.create_default_context(cafile=authority),
            auth=(USERNAME, PASSWORD),
            timeout=PATIENCE_S,
        )
        url = f"http://{self.address}:{control_port}"
        self._control = httpx.Client(base_url=url, timeout=PATIENCE_S)

    def get(self, path: str) -> Any:
        """Read a resource as any other client would: the oracle."""
        return self._client.get(path).raise_for_status().json()

    def configure(self, **changes: Any) -> None:
        """Change how it answers from now on: sessions, password, power_state, delay_s, and routes.

        A route is what it answers, or `{"peer": {"status":, "body":, "type":, "headers":}}`;
        `sessions` is kept, old (the place before 2016), none, full, or full for all.
        """
        self._control.put("/", json=changes).raise_for_status()

    def seen(self) -> dict[str, Any]:
        """Return its requests so far, the most at once, and its open sessions."""
        seen: dict[str, Any] = self._control.get("/").raise_for_status().json()
        return seen

    def requests(self) -> list[str]:
        """Return its requests so far."""
        return list(self.seen()["requests"])

    def as_new(self) -> None:
        """Reset configuration and requests."""
        self.configure(as_new=True, power_state="On", forget_sessions=True, **AS_IT_IS)

    def close(self) -> None:
        """Close our own look into it."""
        self._client.close()
        self._control.close()


@contextmanager
def sushy(directory: Path, **settings: Any) -> Iterator[Sushy]:
    """Run the emulator until the block ends; `settings` are as `Sushy.configure` has them."""
    directory.mkdir(parents=True, exist_ok=True)
    _write_files(directory, settings)
    program = Path(__file__).with_name("sushy_emulator.py")
    with (directory / "sushy.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(program), str(directory)], stdout=log, stderr=log
        )
    try:
        with closing(Sushy(*_ports(directory, process), directory / "ca.crt")) as peer:
            yield peer
    finally:
        process.kill()
        process.wait()


def _write_files(directory: Path, settings: Mapping[str, Any]) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "bmc.example")
    authority.cert_pem.write_to_path(directory / "ca.crt")
    certificate.private_key_pem.write_to_path(directory / "server.key")
    chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
    (directory / "server.pem").write_bytes(chain)
    (directory / "peer.json").write_text(json.dumps({**AS_IT_IS, **settings}))
    config = CONFIG.format(directory=directory, chassis=CHASSIS, system=SYSTEM)
    (directory / "sushy.conf").write_text(config)


def _ports(directory: Path, process: subprocess.Popen[bytes]) -> tuple[int, int]:
    path = directory / "ports"
    deadline = time.monotonic() + PATIENCE_S
    while not path.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError((directory / "sushy.log").read_text())
        time.sleep(0.02)
    port, control_port = path.read_text().split()
    return int(port), int(control_port)
