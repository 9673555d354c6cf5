"""A real snmpd (net-snmp) on loopback, and net-snmp's own client as the oracle beside it."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.eventually import PATIENCE_S
from tests.peers.ports import free_port

READY_LINE = "NET-SNMP version"
COMMUNITY = "rackwatt"
WRITING_COMMUNITY = "rackwatt-writes"
AUTH_PASSWORD = "authenticate-me"
PRIV_PASSWORD = "keep-it-private"
LEVELS = {"noAuthNoPriv": "noauth", "authNoPriv": "auth", "authPriv": "priv"}
# What the daemon calls the privacy protocols that documents name.
PRIVACY = {"AES-192": "AES192", "AES-256": "AES256", "AES-192-C": "AES192C", "AES-256-C": "AES256C"}
# Neither MIB files nor the system's configuration matter to numbers.
PLAIN = {"MIBS": "", "SNMPCONFPATH": "/nonexistent", "PATH": os.environ["PATH"]}


@dataclass(frozen=True)
class SnmpUser:
    """A user of version 3."""

    name: str
    level: str = "authPriv"
    auth: str = "SHA-256"
    privacy: str = "AES"

    def lines(self) -> Iterator[str]:
        """Write the lines of snmpd.conf that make this user."""
        keys = ""
        if self.level != "noAuthNoPriv":
            keys = f' {self.auth} "{AUTH_PASSWORD}"'
        if self.level == "authPriv":
            keys += f' {PRIVACY.get(self.privacy, self.privacy)} "{PRIV_PASSWORD}"'
        yield f"createUser {self.name}{keys}"
        yield f"rouser {self.name} {LEVELS[self.level]}"

    def options(self) -> list[str]:
        """Write the options by which net-snmp's clients log in as this user."""
        said = ["-v3", "-u", self.name, "-l", self.level]
        if self.level != "noAuthNoPriv":
            said += ["-a", self.auth, "-A", AUTH_PASSWORD]
        if self.level == "authPriv":
            said += ["-x", PRIVACY.get(self.privacy, self.privacy), "-X", PRIV_PASSWORD]
        return said


@dataclass
class Snmpd:
    """One snmpd; `objects` are lines such as `1.3.6.1.4.1.318.1 integer 344`."""

    directory: Path
    addresses: Sequence[str]
    objects: Sequence[str] = ()
    users: Sequence[SnmpUser] = ()
    engine_id: str = "rackwatt"
    port: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """Return the first address."""
        return self.addresses[0]

    @property
    def pid(self) -> int:
        """Return the process id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it listens; engineBoots goes up by one each time."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        (self.directory / "snmpd.conf").write_text("\n".join(self._configuration()) + "\n")
        log = self.directory / "snmpd.log"
        log.unlink(missing_ok=True)
        places = {
            "SNMPCONFPATH": str(self.directory),
            "SNMP_PERSISTENT_DIR": str(self.directory / "persistent"),
        }
        command = [_program("snmpd"), "-f", "-Lf", str(log), "-p", str(self.directory / "pid")]
        modules = ["-I", "-smux,mteTrigger,mteTriggerConf"]
        listen = [self._transport(address) for address in self.addresses]
        self._process = subprocess.Popen(
            [*command, *modules, *listen],
            env=PLAIN | places,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait_for(log)

    def stop(self) -> None:
        """Stop it; it keeps engineBoots in its directory."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """Restart it, as a device that rebooted."""
        self.stop()
        self.start()

    def replace(self, engine_id: str) -> None:
        """Put another agent in its place: at the same address, by another name."""
        self.stop()
        shutil.rmtree(self.directory / "persistent")
        self.engine_id = engine_id
        self.start()

    def set(self, oid: str, kind: str, value: object) -> None:
        """Change an object's value, by snmpset; `kind` as snmpset spells it."""
        self._client("snmpset", ["-v2c", "-c", WRITING_COMMUNITY], [oid, kind, str(value)])

    def get(self, oid: str, login: Sequence[str] = ("-v2c", "-c", COMMUNITY)) -> str:
        """Read an object's value by snmpget: the oracle."""
        return self._client("snmpget", login, [oid])

    def walk(self, oid: str, login: Sequence[str] = ("-v2c", "-c", COMMUNITY)) -> list[str]:
        """Read the values under an object by snmpwalk."""
        return self._client("snmpwalk", login, [oid]).splitlines()

    def _client(self, name: str, login: Sequence[str], words: list[str]) -> str:
        return client(name, login, self._transport(self.address), words)

    def _transport(self, address: str) -> str:
        return f"udp6:[{address}]:{self.port}" if ":" in address else f"udp:{address}:{self.port}"

    def _configuration(self) -> Iterator[str]:
        yield f"engineID {self.engine_id}"
        yield f"rocommunity {COMMUNITY} default"
        yield f"rocommunity6 {COMMUNITY} default"
        yield f"rwcommunity {WRITING_COMMUNITY} default"
        yield f"rwcommunity6 {WRITING_COMMUNITY} default"
        for user in self.users:
            yield from user.lines()
        for line in self.objects:
            yield f"override -rw {line}"

    def _wait_for(self, log: Path) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        assert self._process is not None
        while time.monotonic() < deadline_s and self._process.poll() is None:
            if log.exists() and READY_LINE in log.read_text(errors="replace"):
                return
            time.sleep(0.01)
        self._process.kill()
        raise RuntimeError(f"snmpd did not start: {log.read_text() if log.exists() else ''}")


@contextmanager
def snmpd(
    directory: Path,
    objects: Sequence[str] = (),
    users: Sequence[SnmpUser] = (),
    addresses: Sequence[str] = ("127.0.0.1",),
) -> Iterator[Snmpd]:
    """Run snmpd in a directory of its own until the block ends."""
    daemon = Snmpd(directory, addresses, objects, users)
    daemon.start()
    try:
        yield daemon
    finally:
        daemon.stop()


def client(name: str, login: Sequence[str], agent: str, words: Sequence[str]) -> str:
    """Run one of net-snmp's clients and give the values it prints.

    Raises:
        subprocess.CalledProcessError: with what it said instead.
    """
    command = [_program(name), "-r", "2", "-t", "20", "-Oqvn", *login, agent, *words]
    done = subprocess.run(command, env=PLAIN, capture_output=True, text=True, check=True)
    return done.stdout.strip().strip('"')


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise RuntimeError(f"{name} is not installed: apt-get install snmpd snmp")
    return found
