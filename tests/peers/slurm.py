"""A real Slurm on loopback: munged, slurmctld, a slurmd for each node, and slurmrestd if wanted.

Everything lives in one directory of its own and on free ports, so that several clusters, and a
Slurm of the machine itself, stay out of each other's way. No cgroup is touched, and what was
started is found again by its environment when the block ends, whatever its parent is by then.

By hand: `python -m tests.peers.slurm 'n[1-6]' 'd[01-54]'`.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rackwatt_crds.hostlist import expand
from tests.eventually import PATIENCE_S
from tests.peers.ports import free_ports
from tests.peers.slurm_configuration import Layout, configure

SBIN = "/usr/sbin:/usr/local/sbin:/sbin"
REST_VERSIONS = ("v0.0.37", "v0.0.38")
REST_USER = "nobody"  # slurmrestd refuses both root and SlurmUser


class SlurmCluster:
    """A cluster that runs inside its `with` block.

    `nodes` is a host list, a slurmd for each; `down` is another, of nodes that only exist in the
    configuration and are DOWN until scontrol says something else. All are in the partitions
    `batch` (the default) and `again`. Each real node has `gpus` GPUs, which only root can make.
    """

    def __init__(
        self,
        nodes: str = "n[1-3]",
        down: str = "",
        rest: bool = False,
        more: str = "",
        jwt_key: bytes | None = None,
        gpus: int = 0,
    ) -> None:
        self.nodes = expand(nodes)
        self._rest = rest
        self._jwt_key = jwt_key or os.urandom(32)
        self._daemons: dict[str, subprocess.Popen[bytes]] = {}
        controller, self._rest_port, *ports = free_ports(len(self.nodes) + 2)
        decorative = expand(down) if down else []
        self._layout = Layout(
            dict(zip(self.nodes, ports, strict=True)), decorative, controller, more, gpus
        )
        self.rest_url = f"http://127.0.0.1:{self._rest_port}"
        self.directory = Path()

    @property
    def configuration(self) -> Path:
        """Where slurm.conf is."""
        return self.directory / "slurm.conf"

    @property
    def jwt_key(self) -> Path:
        """Where the key is that tokens are signed with."""
        return self.directory / "jwt.key"

    @property
    def environment(self) -> dict[str, str]:
        """What Slurm's commands need to find this cluster."""
        path = f"{os.environ.get('PATH', '')}:{SBIN}"
        return os.environ | {"SLURM_CONF": str(self.configuration), "PATH": path}

    def __enter__(self) -> "SlurmCluster":
        self.directory = Path(tempfile.mkdtemp(prefix="slurm-"))
        self.directory.chmod(0o755)  # jobs and slurmrestd run as others
        try:
            configure(self.directory, self._layout, self._jwt_key)
            self._start("munged", *self._munged())
            self.wait(lambda: (self.directory / "munge.socket").exists(), "munged")
            self.start_controller("-i")
            for name in self.nodes:
                self._start(name, "slurmd", "-D", "-N", name)
            if self._rest:
                self.start_rest()
            self.wait(self._all_registered, "all nodes to register")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for name in reversed(self._daemons):
            self._daemons[name].terminate()
        while mine := list(self._mine()):
            for pid in mine:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
        for daemon in self._daemons.values():
            daemon.wait()
        shutil.rmtree(self.directory)

    def start_controller(self, *arguments: str) -> None:
        """Start slurmctld, with the state it was stopped with."""
        self._start("slurmctld", "slurmctld", "-D", *arguments)
        self.wait(lambda: self._answers("scontrol", "ping"), "slurmctld")

    def stop_controller(self) -> None:
        """Stop slurmctld."""
        self._stop("slurmctld")

    @property
    def rest_socket(self) -> Path:
        """Where slurmrestd listens on this machine alone."""
        return self.directory / "rest" / "slurmrestd.sock"

    def start_rest(self, *versions: str, auth: str = "rest_auth/jwt") -> None:
        """Start slurmrestd with these versions of its interface; of itself it believes tokens alone."""
        versions = versions or REST_VERSIONS
        token = {"SLURM_JWT": "daemon"} if auth == "rest_auth/jwt" else {}
        environment = self.environment | token
        self.rest_socket.parent.mkdir(exist_ok=True)
        self.rest_socket.parent.chmod(0o777)  # it runs as another user
        self.rest_socket.unlink(missing_ok=True)
        listen = (self.rest_url.removeprefix("http://"), f"unix:{self.rest_socket}")
        plugins = ",".join(f"openapi/{version}" for version in versions)
        command: tuple[str, ...] = ("slurmrestd", "-a", auth, "-s", plugins, *listen)
        if os.geteuid() == 0:
            command = (
                "setpriv",
                f"--reuid={REST_USER}",
                "--regid=nogroup",
                "--clear-groups",
                *command,
            )
        self._start("slurmrestd", *command, environment=environment)
        self.wait(lambda: _listens(self._rest_port), "slurmrestd")

    def stop_node(self, name: str) -> None:
        """Kill a node's slurmd: slurmctld finds out when it next asks for it."""
        self._stop(name)

    def stop_rest(self) -> None:
        """Stop slurmrestd."""
        self._stop("slurmrestd")

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Keep a daemon from running, its sockets open, until the block ends."""
        pid = self._daemons[name].pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def scontrol(self, *arguments: str) -> str:
        """Run scontrol and give what it printed."""
        return self._run("scontrol", *arguments)

    def submit(self, *arguments: str, command: str = "sleep 100000") -> str:
        """Submit a batch job and give its number, whether it starts or not."""
        wrapped = ("--parsable", "--output=/dev/null", f"--wrap={command}", *arguments)
        return self._run("sbatch", *wrapped).strip()

    def allocate(self, *arguments: str) -> None:
        """Allocate nodes without a user: no process runs, so nodes without a daemon do as well."""
        self._run("salloc", "--quiet", "--no-shell", *arguments)

    def cancel(self, *arguments: str) -> None:
        """Run scancel."""
        self._run("scancel", *arguments)

    def token(self, lifespan_s: int = 3600, user: str = "root") -> str:
        """Create a token by Slurm itself."""
        said = self.scontrol("token", f"username={user}", f"lifespan={lifespan_s}")
        return said.strip().removeprefix("SLURM_JWT=")

    def shown(self) -> dict[str, dict[str, str]]:
        """Return each node's fields as scontrol prints them, such as Partitions and Reason."""
        return {words["NodeName"]: words for words in _fields(self.scontrol("show", "node", "-o"))}

    def truth(self) -> dict[str, str]:
        """Return each node's state as scontrol spells it, such as IDLE+DRAIN."""
        return {name: words["State"] for name, words in self.shown().items()}

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """Wait until a condition holds.

        Raises:
            TimeoutError: it did not in time, or a daemon has ended; with the ends of all logs.
        """
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            ended = any(daemon.poll() is not None for daemon in self._daemons.values())
            if ended or time.monotonic() > deadline:
                raise TimeoutError(f"waited in vain for {what}\n{self._logs()}")
            time.sleep(0.05)

    def wait_for(self, **states: str) -> None:
        """Wait until nodes are in these states, as scontrol spells them.

        Raises:
            TimeoutError: with the state of those that are not.
        """
        deadline = time.monotonic() + PATIENCE_S
        while missing := {
            name: found for name, found in self.truth().items() if states.get(name, found) != found
        }:
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited in vain, these are not what they should be: {missing}")
            time.sleep(0.05)

    def _munged(self) -> Iterator[str]:
        yield from ("munged", "--foreground", "--num-threads=2")
        for option, name in (
            ("key-file", "key"),
            ("socket", "socket"),
            ("pid-file", "pid"),
            ("log-file", "log"),
            ("seed-file", "seed"),
        ):
            yield f"--{option}={self.directory}/munge.{name}"

    def _start(self, name: str, *command: str, environment: dict[str, str] | None = None) -> None:
        with (self.directory / f"{name}.log").open("ab") as log:
            self._daemons[name] = subprocess.Popen(
                command,
                env=environment or self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _stop(self, name: str) -> None:
        daemon = self._daemons.pop(name)
        daemon.terminate()
        daemon.wait(PATIENCE_S)

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=PATIENCE_S
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
        return done.stdout

    def _answers(self, *command: str) -> bool:
        done = subprocess.run(command, env=self.environment, capture_output=True)
        return done.returncode == 0

    def _all_registered(self) -> bool:
        truth = self.truth()
        return all(truth.get(name) == "IDLE" for name in self.nodes)

    def _mine(self) -> Iterator[int]:
        """Find every process that was started with this cluster's configuration."""
        mark = f"SLURM_CONF={self.configuration}".encode()
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                found = mark in path.read_bytes().split(b"\0")
            except OSError:
                continue
            if found:
                yield int(path.parent.name)

    def _logs(self) -> str:
        ends = []
        for log in sorted(self.directory.glob("*.log")):
            ends += [f"-- {log.name}", *log.read_text(errors="replace").splitlines()[-3:]]
        return "\n".join(ends)


def _fields(nodes: str) -> Iterator[dict[str, str]]:
    """Go through the fields of each node; a reason may hold anything, and is the last."""
    for line in nodes.splitlines():
        rest, _, reason = line.partition(" Reason=")
        words = dict(word.split("=", 1) for word in rest.split() if "=" in word)
        if "NodeName" in words:
            yield words | ({"Reason": reason} if reason else {})


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main(nodes: str = "n[1-3]", down: str = "") -> None:
    """Run a cluster until Ctrl-C."""
    with SlurmCluster(nodes, down, rest=True) as cluster:
        print(f"export SLURM_CONF={cluster.configuration}")
        print(f"slurmrestd: {cluster.rest_url}, its JWT key: {cluster.jwt_key}", flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            print("stopping")


if __name__ == "__main__":
    main(*sys.argv[1:])
