"""A real sshd on loopback, with a host key and an authorized key of its own."""

import asyncio
import getpass
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.eventually import PATIENCE_S
from tests.peers.ports import free_port

CONFIG = """
Port {port}
ListenAddress 127.0.0.1
HostKey {directory}/host_key
AuthorizedKeysFile {directory}/authorized_keys
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
LoginGraceTime 120
MaxStartups 100
LogLevel VERBOSE
{more}
"""


@dataclass(frozen=True)
class Sshd:
    """A running sshd: where it listens, and the files that a client needs."""

    address: str
    port: int
    user: str
    client_key: Path
    known_hosts: Path
    log: Path

    def logins(self) -> int:
        """Return how often a client has logged in."""
        return self.log.read_text().count("Accepted publickey")


@asynccontextmanager
async def sshd(directory: Path, more: str = "") -> AsyncIterator[Sshd]:
    """Run sshd in a directory of its own until the block ends; `more` is added to sshd_config."""
    directory.mkdir(parents=True, exist_ok=True)
    Path("/run/sshd").mkdir(exist_ok=True)
    for name in ("host_key", "client_key"):
        _make_key(directory / name)
    shutil.copy(directory / "client_key.pub", directory / "authorized_keys")
    port = free_port()
    host_key = (directory / "host_key.pub").read_text()
    (directory / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}")
    configuration = CONFIG.format(port=port, directory=directory, more=more)
    (directory / "sshd_config").write_text(configuration)
    log = directory / "sshd.log"
    program = shutil.which("sshd") or "/usr/sbin/sshd"
    with log.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            program, "-D", "-e", "-f", str(directory / "sshd_config"), stderr=stderr
        )
    try:
        await _listening(port, process, log)
        yield Sshd(
            "127.0.0.1",
            port,
            getpass.getuser(),
            directory / "client_key",
            directory / "known_hosts",
            log,
        )
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def another_host_key(peer: Sshd, directory: Path) -> Path:
    """Write a known_hosts that names another key for this host: as after a man in the middle."""
    _make_key(directory / "other_key")
    path = directory / "known_hosts"
    path.write_text(f"[127.0.0.1]:{peer.port} {(directory / 'other_key.pub').read_text()}")
    return path


def _make_key(path: Path) -> None:
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)]
    subprocess.run(command, check=True)


async def _listening(port: int, process: asyncio.subprocess.Process, log: Path) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            return
    raise RuntimeError(f"sshd ended: {log.read_text()}")
