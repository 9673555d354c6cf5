"""Start a real PostgreSQL, on a Unix socket of its own; each test gets a database of its own."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from tests.eventually import PATIENCE_S

USER = "rackwatt"


def program(name: str) -> str:
    """Find a program of the newest version that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=_version)
    assert found, "the Debian package postgresql is missing: make setup"
    return str(found[-1])


def _version(path: Path) -> int:
    return int(path.parts[-3])


class PostgreSql:
    """A running server; `directory` has its socket."""

    def __init__(self, directory: Path, data: Path) -> None:
        self.directory = directory
        self._data = data
        self._numbers = count()

    def url(self, database: str) -> str:
        """Return the URL of a database, as `--storage` takes it."""
        return f"postgresql://{USER}@/{database}?host={self.directory}"

    def create_database(self) -> str:
        """Create an empty database; return its name."""
        name = f"test{next(self._numbers)}"
        self._run("createdb", "--host", str(self.directory), "--username", USER, name)
        return name

    def start(self) -> None:
        """Start the server, and wait until it accepts connections."""
        options = (
            f"-c listen_addresses='' -c unix_socket_directories='{self.directory}' -c fsync=off"
        )
        log = str(self._data.parent / "log")
        self._run("pg_ctl", "start", "--wait", f"--timeout={PATIENCE_S:.0f}",
                  "--pgdata", str(self._data), "--options", options, "--log", log)  # fmt: skip

    def stop(self) -> None:
        """Stop the server; connections are closed."""
        self._run("pg_ctl", "stop", "--wait", "--mode=fast", "--pgdata", str(self._data))

    def initialize(self) -> None:
        """Create the cluster of databases."""
        self._run("initdb", "--pgdata", str(self._data), "--username", USER, "--auth=trust",
                  "--encoding=UTF8", "--no-sync")  # fmt: skip

    def _run(self, name: str, *arguments: str) -> None:
        owner = "postgres" if os.getuid() == 0 else None
        subprocess.run(
            [program(name), *arguments], user=owner, cwd="/", check=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=PATIENCE_S,
        )  # fmt: skip


@contextmanager
def postgresql() -> Iterator[PostgreSql]:
    """Run a server until the block ends."""
    # Not below pytest's folder, whose name is too long for a socket's path.
    home = Path(tempfile.mkdtemp(prefix="rackwatt-pg-"))
    data = home / "data"
    if os.getuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(home, account.pw_uid, account.pw_gid)
    server = PostgreSql(home, data)
    try:
        server.initialize()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(home, ignore_errors=True)
