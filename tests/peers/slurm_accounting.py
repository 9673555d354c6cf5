"""A real slurmdbd with its MariaDB: the accounts, users and limits of one or more Slurm clusters.

MariaDB listens on a Unix socket alone and checks no password: the directory is this test's own. Its
files are in memory where there is enough: on a disk it starts in twice the time.
Every cluster has the keys of the accounting, since each part of Slurm must believe the others.
"""

import getpass
import os
import shutil
import subprocess
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path

from tests.peers.ports import free_port
from tests.peers.slurm_daemons import Daemons
from tests.peers.slurm_release import OWN, SlurmRelease

_AUTH = """
SlurmUser={user}
AuthType=auth/munge
AuthInfo=socket={directory}/munge.socket
AuthAltTypes=auth/jwt
AuthAltParameters=jwt_key={directory}/jwt.key
"""
_SLURMDBD = """
DbdHost=localhost
DbdPort={port}
PidFile={directory}/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser={user}
StorageLoc=slurm_acct_db
"""
# What sacctmgr needs where no cluster is.
_SLURM = """
ClusterName=none
SlurmctldHost=localhost
"""
# Usage is counted once a minute, and when slurmctld starts.
_LINES = """
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={port}
AccountingStoragePass={directory}/munge.socket
AccountingStorageTRES=gres/gpu,gres/gpu:h100
PriorityType=priority/multifactor
PriorityWeightFairshare=1000
PriorityCalcPeriod=1
"""
# What slurmdbd needs of a new database server: its own tables, for stored procedures.
_SYSTEM_TABLES = ("mysql_system_tables.sql", "mysql_system_tables_data.sql")
_SHARE = Path("/usr/share/mysql")
_MEMORY, _ENOUGH_BYTES = Path("/dev/shm"), 2**29
_SMALL = (
    "--innodb-buffer-pool-size=16M",
    "--innodb-log-file-size=4M",
    "--innodb-flush-log-at-trx-commit=0",
    "--aria-pagecache-buffer-size=1M",
)


class SlurmAccounting:
    """slurmdbd that runs inside its `with` block; clusters that use it end before it.

    `more` is added to slurmdbd.conf.
    """

    def __init__(self, more: str = "", release: SlurmRelease = OWN) -> None:
        self._more = more
        self._release = release
        self.munge_key = os.urandom(128)
        self.jwt_key = os.urandom(32)
        self._port = free_port()
        self._daemons = Daemons(Path())
        self._database = Path()

    @property
    def directory(self) -> Path:
        """Where all its files are."""
        return self._daemons.directory

    @property
    def lines(self) -> str:
        """What a cluster has in its slurm.conf to use it."""
        return self._filled(_LINES)

    def __enter__(self) -> "SlurmAccounting":
        self._daemons = Daemons(Path(tempfile.mkdtemp(prefix="slurmdbd-")), self._release)
        self.directory.chmod(0o755)  # slurmrestd runs as another user
        self._database = Path(tempfile.mkdtemp(prefix="mariadb-", dir=_place()))
        try:
            self._configure()
            self._daemons.start_munged(self.munge_key)
            self._start_database()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._daemons.end()
        shutil.rmtree(self.directory)
        shutil.rmtree(self._database)

    def start(self) -> None:
        """Start slurmdbd, with what its database has."""
        socket = {"MYSQL_UNIX_PORT": str(self._socket)}
        environment = self._daemons.environment | socket
        self._daemons.start("slurmdbd", "slurmdbd", "-D", environment=environment)
        self._daemons.wait(lambda: self._daemons.answers("sacctmgr", "show", "tres"), "slurmdbd")

    def stop(self) -> None:
        """Stop slurmdbd; its database stays."""
        self._daemons.stop("slurmdbd")

    def frozen(self) -> AbstractContextManager[None]:
        """Keep slurmdbd from answering until the block ends."""
        return self._daemons.frozen("slurmdbd")

    def sacctmgr(self, *arguments: str) -> str:
        """Run sacctmgr, which asks nothing, and return what it printed."""
        return self._daemons.run("sacctmgr", "--immediate", *arguments)

    def add_cluster(self, name: str) -> None:
        """Let a cluster of this name use it."""
        self.sacctmgr("add", "cluster", name)

    @property
    def _socket(self) -> Path:
        return self.directory / "mariadb.socket"

    def _filled(self, text: str) -> str:
        return text.format(user=getpass.getuser(), directory=self.directory, port=self._port)

    def _configure(self) -> None:
        files = {
            "slurmdbd.conf": self._filled(_AUTH + _SLURMDBD) + self._more,
            "slurm.conf": self._filled(_AUTH + _SLURM + _LINES),
        }
        for name, text in files.items():
            (self.directory / name).write_text(text)
            (self.directory / name).chmod(0o600)  # slurmdbd wants it so
        (self.directory / "jwt.key").write_bytes(self.jwt_key)
        (self.directory / "jwt.key").chmod(0o600)

    def _start_database(self) -> None:
        whose = (f"--user={getpass.getuser()}", f"--datadir={self._database}")
        command = ("mariadbd", "--no-defaults", *whose, *_SMALL)
        tables = "".join((_SHARE / name).read_text() for name in _SYSTEM_TABLES)
        subprocess.run(
            (*command, "--bootstrap"),
            input=f"create database mysql;\nuse mysql;\n{tables}",
            env=self._daemons.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        serving = ("--skip-grant-tables", "--skip-networking", f"--socket={self._socket}")
        self._daemons.start("mariadb", *command, *serving)
        self._daemons.wait(self._socket.exists, "mariadbd")


def _place() -> Path | None:
    """Return where files are in memory, or None for the usual place of temporary files."""
    has_room = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ENOUGH_BYTES
    return _MEMORY if has_room else None
