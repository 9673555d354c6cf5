"""A real Slurm on loopback: munged, slurmctld, a slurmd for each node, and slurmrestd if wanted.

Everything lives in one directory of its own and on free ports, so that several clusters, and a
Slurm of the machine itself, stay out of each other's way. No cgroup is touched. Accounting is
started where a test asks for it (slurm_accounting.py).

By hand: `python -m tests.peers.slurm 'n[1-6]' 'd[01-54]'`.
"""

import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from rackwatt_crds.hostlist import expand
from tests.eventually import PATIENCE_S
from tests.peers.ports import free_ports
from tests.peers.slurm_accounting import SlurmAccounting
from tests.peers.slurm_configuration import Layout, configure
from tests.peers.slurm_daemons import Daemons
from tests.peers.slurm_release import OWN, SlurmRelease

REST_USER = "games"  # slurmrestd refuses both root and SlurmUser; Slurm 26.05 refuses uid 65534


class SlurmCluster:
    """A cluster that runs inside its `with` block.

    `nodes` is a host list, a slurmd for each; `down` is another, of nodes that only exist in the
    configuration and are DOWN until scontrol says something else. All are in the partitions
    `batch` (the default) and `again`. Each real node has `gpus` GPUs, which only root can make.
    `accounting` keeps its accounts, under the cluster's `name`; several clusters may share one.
    """

    def __init__(
        self,
        nodes: str = "n[1-3]",
        down: str = "",
        rest: bool = False,
        more: str = "",
        jwt_key: bytes | None = None,
        gpus: int = 0,
        name: str = "toy",
        accounting: SlurmAccounting | None = None,
        release: SlurmRelease = OWN,
    ) -> None:
        self.release = release
        self.nodes = expand(nodes)
        self.name = name
        self._rest = rest
        self._accounting = accounting
        self._jwt_key = accounting.jwt_key if accounting else jwt_key or os.urandom(32)
        controller, self._rest_port, *ports = free_ports(len(self.nodes) + 2)
        decorative = expand(down) if down else []
        self._layout = Layout(
            dict(zip(self.nodes, ports, strict=True)),
            decorative,
            controller,
            f"{more}\n{accounting.lines if accounting else ''}",
            gpus,
            name,
            release.cgroup_plugin,
        )
        self.controller_url = f"http://127.0.0.1:{controller}"
        self.rest_url = f"http://127.0.0.1:{self._rest_port}"
        self._daemons = Daemons(Path())

    @property
    def directory(self) -> Path:
        """Where all its files are."""
        return self._daemons.directory

    @property
    def configuration(self) -> Path:
        """Where slurm.conf is."""
        return self._daemons.configuration

    @property
    def jwt_key(self) -> Path:
        """Where the key is that tokens are signed with."""
        return self.directory / "jwt.key"

    @property
    def environment(self) -> dict[str, str]:
        """What Slurm's commands need to find this cluster."""
        return self._daemons.environment

    def __enter__(self) -> "SlurmCluster":
        self._daemons = Daemons(Path(tempfile.mkdtemp(prefix="slurm-")), self.release)
        self.directory.chmod(0o755)  # jobs and slurmrestd run as others
        try:
            configure(self.directory, self._layout, self._jwt_key)
            self._daemons.start_munged(
                self._accounting.munge_key if self._accounting else os.urandom(128)
            )
            if self._accounting:
                self._accounting.add_cluster(self.name)
            self.start_controller("-i")
            for name in self.nodes:
                self._daemons.start(name, "slurmd", "-D", "-N", name)
            if self._rest:
                self.start_rest()
            self.wait(self._all_registered, "all nodes to register")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._daemons.end()
        shutil.rmtree(self.directory)

    def start_controller(self, *arguments: str) -> None:
        """Start slurmctld, with the state it was stopped with."""
        self._daemons.start("slurmctld", "slurmctld", "-D", *arguments)
        self.wait(lambda: self._daemons.answers("scontrol", "ping"), "slurmctld")

    def stop_controller(self) -> None:
        """Stop slurmctld."""
        self._daemons.stop("slurmctld")

    @property
    def rest_socket(self) -> Path:
        """Where slurmrestd listens on this machine alone."""
        return self.directory / "rest" / "slurmrestd.sock"

    def start_rest(self, *versions: str, auth: str = "rest_auth/jwt") -> None:
        """Start slurmrestd with these versions of its interface; of itself it believes tokens alone."""
        token = {"SLURM_JWT": "daemon"} if auth == "rest_auth/jwt" else {}
        environment = self.environment | token
        self.rest_socket.parent.mkdir(exist_ok=True)
        self.rest_socket.parent.chmod(0o777)  # it runs as another user
        self.rest_socket.unlink(missing_ok=True)
        listen = (self.rest_url.removeprefix("http://"), f"unix:{self.rest_socket}")
        serving = self.release.rest_options(versions, accounting=self._accounting is not None)
        command: tuple[str, ...] = ("slurmrestd", "-a", auth, *serving, *listen)
        if os.geteuid() == 0:
            command = (
                "setpriv",
                f"--reuid={REST_USER}",
                "--regid=nogroup",
                "--clear-groups",
                *command,
            )
        self._daemons.start("slurmrestd", *command, environment=environment)
        self.wait(lambda: _listens(self._rest_port), "slurmrestd")

    def stop_node(self, name: str) -> None:
        """Kill a node's slurmd: slurmctld finds out when it next asks for it."""
        self._daemons.stop(name)

    def stop_rest(self) -> None:
        """Stop slurmrestd."""
        self._daemons.stop("slurmrestd")

    def frozen(self, name: str) -> AbstractContextManager[None]:
        """Keep a daemon from running, its sockets open, until the block ends."""
        return self._daemons.frozen(name)

    def run(self, *command: str) -> str:
        """Run one of Slurm's commands and return what it printed."""
        return self._daemons.run(*command)

    def scontrol(self, *arguments: str) -> str:
        """Run scontrol and give what it printed."""
        return self._daemons.run("scontrol", *arguments)

    def submit(self, *arguments: str, command: str = "sleep 100000") -> str:
        """Submit a batch job and give its number, whether it starts or not."""
        wrapped = ("--parsable", "--output=/dev/null", f"--wrap={command}", *arguments)
        return self._daemons.run("sbatch", *wrapped).strip()

    def allocate(self, *arguments: str) -> None:
        """Allocate nodes without a user: no process runs, so nodes without a daemon do as well."""
        self._daemons.run("salloc", "--quiet", "--no-shell", *arguments)

    def cancel(self, *arguments: str) -> None:
        """Run scancel."""
        self._daemons.run("scancel", *arguments)

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
        self._daemons.wait(condition, what)

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

    def _all_registered(self) -> bool:
        truth = self.truth()
        return all(truth.get(name) == "IDLE" for name in self.nodes)


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
