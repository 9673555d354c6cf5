"""A real Grid Engine 8.1.9: sge_qmaster, and an sge_execd on each of several hosts.

Each host has a network, an address and a name of its own, since Grid Engine knows hosts by these.
They are namespaces below one, whose first process takes everything with it when it ends. SGE_ROOT
and all spool directories are in one directory of the cluster's own. It needs root.

By hand: `python -m tests.peers.gridengine 'e[1-4]' dead`.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rackwatt_crds.hostlist import expand
from tests.eventually import until
from tests.peers.gridengine_configuration import (
    PARALLEL_ENVIRONMENTS,
    configure,
    exec_host,
    global_configuration,
    queue,
)

MASTER = "master"
USER = "daemon"  # whose jobs are; root looks at them
PROGRAMS = ("qhost", "qstat")
SECONDS = 60

# The first process: the hosts, on one bridge. $1 is the directory; then follow name and address.
FIRST = """
set -e
directory=$1 master=$2; shift 2
ip link set lo up
ip link add bridge type bridge
ip address add "$master/24" dev bridge
ip link set bridge up
mount --bind "$directory/hosts" /etc/hosts
hostname master
while [ $# -gt 0 ]; do
  unshare --net --uts sleep infinity & host=$!
  until [ "$(readlink /proc/$host/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
  ip link add "to-$1" type veth peer name eth0 netns "$host"
  ip link set "to-$1" master bridge up
  nsenter --target "$host" --net sh -ec "ip address add $2/24 dev eth0; ip link set eth0 up; ip link set lo up"
  nsenter --target "$host" --uts hostname "$1"
  echo "$host" >"$directory/$1.pid"
  shift 2
done
touch "$directory/ready"
exec sleep infinity
"""


class GridEngineCluster:
    """A cluster that runs inside its `with` block.

    `hosts` is a host list with an sge_execd for each; `dead` are execution hosts without one.
    """

    def __init__(self, hosts: str = "e[1-2]", dead: str = "") -> None:
        self.hosts = expand(hosts)
        self.dead = expand(dead) if dead else []
        self.directory = Path()
        self._first: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What Grid Engine's commands need to find this cluster."""
        return os.environ | {
            "SGE_ROOT": str(self.directory / "root"),
            "SGE_CELL": "default",
            "SGE_QMASTER_PORT": "6444",
            "SGE_EXECD_PORT": "6445",
        }

    @property
    def commands(self) -> Path:
        """The directory of commands that run in the cluster from outside."""
        return self.directory / "bin"

    def __enter__(self) -> "GridEngineCluster":
        self.directory = Path(tempfile.mkdtemp(prefix="gridengine-"))
        self.directory.chmod(0o755)  # jobs run as another user
        try:
            self._start_hosts()
            configure(self.directory, MASTER)
            self._wrap()
            self._run("sh", "-c", f"{self.directory}/initialize")
            self.start_qmaster()
            self._add_hosts()
            with ThreadPoolExecutor() as pool:
                list(pool.map(self.start_execd, self.hosts))
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._first is not None:
            self._first.kill()
            self._first.wait()
        shutil.rmtree(self.directory)

    def start_qmaster(self) -> None:
        """Start sge_qmaster, with what it has spooled."""
        self._run("sge_qmaster")
        until(lambda: self._answers("qconf", "-sh"))

    def stop_qmaster(self) -> None:
        """Shut sge_qmaster down."""
        self._run("qconf", "-km")
        until(lambda: not self._answers("qconf", "-sh"))

    def start_execd(self, host: str) -> None:
        """Start a host's sge_execd."""
        self._run("sge_execd", host=host)

    def kill_execd(self, host: str) -> None:
        """Kill a host's sge_execd: sge_qmaster finds out after a few seconds without its load."""
        pid = (self.directory / f"execd/{host}/execd.pid").read_text().strip()
        self._run("kill", "-KILL", pid)

    def add_queue(self, name: str, hosts: str, **settings: str) -> None:
        """Add a queue on hosts."""
        template = self._run("qconf", "-sq")
        listed = " ".join(expand(hosts))
        self._configure("-Aq", queue(template, qname=name, hostlist=listed, **settings))

    def change_queue(self, name: str, setting: str, value: str) -> None:
        """Change a setting of a queue on all its hosts."""
        self._run("qconf", "-mattr", "queue", setting, value, name)

    def add_project(self, name: str) -> None:
        """Add a project."""
        text = f"name {name}\noticket 0\nfshare 0\nacl NONE\nxacl NONE\n"
        self._configure("-Aprj", text)

    def qmod(self, *arguments: str) -> None:
        """Run qmod."""
        self._run("qmod", *arguments)

    def submit(self, *arguments: str) -> str:
        """Submit a job that sleeps and return its number, whether it starts or not."""
        job = self.directory / "job"
        command = ("qsub", "-terse", "-o", "/dev/null", "-e", "/dev/null", *arguments, str(job))
        user = ("setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups")
        return self._run(*user, *command).strip().partition(".")[0]

    def qdel(self, *jobs: str) -> None:
        """Delete jobs, whether they run or wait."""
        self._run("qdel", *jobs)

    def qstat(self, *arguments: str) -> str:
        """Run qstat and return what it printed."""
        return self._run("qstat", *arguments)

    def letters(self) -> dict[str, str]:
        """Return the state of each queue instance, as the table of qstat prints it."""
        rows = (line.split() for line in self.qstat("-f").splitlines() if "@" in line)
        return {row[0]: row[5] if len(row) > 5 else "" for row in rows}

    def wait(self, condition: Callable[[], object]) -> None:
        """Wait until a condition holds."""
        until(lambda: condition() or None)

    def _start_hosts(self) -> None:
        addresses = {
            name: f"10.99.{number // 250}.{number % 250 + 2}"
            for number, name in enumerate((MASTER, *self.hosts, *self.dead))
        }
        lines = [f"{address} {name}\n" for name, address in addresses.items()]
        (self.directory / "hosts").write_text("127.0.0.1 localhost\n" + "".join(lines))
        command = [
            *("unshare", "--fork", "--kill-child=KILL", "--pid", "--mount-proc"),
            *("--mount", "--net", "--uts", "sh", "-c", FIRST, "first"),
            *(str(self.directory), addresses[MASTER]),
            *(word for name in self.hosts for word in (name, addresses[name])),
        ]
        with (self.directory / "first.log").open("wb") as log:
            first = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log)
        self._first = first
        until(lambda: (self.directory / "ready").exists() or first.poll() is not None)
        if first.poll() is not None:
            raise RuntimeError((self.directory / "first.log").read_text())
        children = Path(f"/proc/{first.pid}/task/{first.pid}/children")
        self._inside = children.read_text().split()[0]

    def _wrap(self) -> None:
        """Write commands that do what qstat and qhost do, from outside."""
        self.commands.mkdir()
        for program in PROGRAMS:
            path = self.commands / program
            inside = f"nsenter --target {self._inside} --mount --net --uts --"
            path.write_text(f'#!/bin/sh\nexec {inside} {program} "$@"\n')
            path.chmod(0o755)

    def _add_hosts(self) -> None:
        names = [*self.hosts, *self.dead]
        self._run("qconf", "-as", ",".join((MASTER, *names)))
        self._run("qconf", "-ah", ",".join(names))
        for name in names:
            self._configure("-Ae", exec_host(name))
        for text in PARALLEL_ENVIRONMENTS:
            self._configure("-Ap", text)
        self._configure("-Mconf", global_configuration(self._run("qconf", "-sconf")), "global")
        quick = self._run("qconf", "-ssconf").splitlines()
        changed = {"schedule_interval": "0:0:1", "flush_submit_sec": "1", "flush_finish_sec": "1"}
        lines = (f"{word} {changed.get(word, rest)}" for word, _, rest in map(_split, quick))
        self._configure("-Msconf", "\n".join(lines) + "\n")

    def _configure(self, option: str, text: str, file: str = "text") -> None:
        path = self.directory / file
        path.write_text(text)
        self._run("qconf", option, str(path))

    def _answers(self, *command: str) -> bool:
        done = subprocess.run(
            self._command(command), env=self.environment, capture_output=True, timeout=SECONDS
        )
        return done.returncode == 0

    def _run(self, *command: str, host: str | None = None) -> str:
        whole = self._command(command, host)
        done = subprocess.run(
            whole, env=self.environment, capture_output=True, text=True, timeout=SECONDS
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
        return done.stdout

    def _command(self, command: tuple[str, ...], host: str | None = None) -> list[str]:
        inside = ["nsenter", f"--target={self._inside}", "--mount", "--net", "--uts", "--pid"]
        if host is None:
            return [*inside, "--", *command]
        pid = (self.directory / f"{host}.pid").read_text().strip()
        return [*inside, "--", "nsenter", f"--target={pid}", "--net", "--uts", "--", *command]


def _split(line: str) -> tuple[str, str, str]:
    word, blank, rest = line.partition(" ")
    return word, blank, rest.strip()


def main(hosts: str = "e[1-4]", dead: str = "dead") -> None:
    """Run a cluster with one queue until Ctrl-C."""
    with GridEngineCluster(hosts, dead) as cluster:
        cluster.add_queue("all.q", f"{hosts},{dead}", slots="4")
        print(f"qstat and qhost: {cluster.commands}")
        print(
            f"export SGE_ROOT={cluster.environment['SGE_ROOT']} SGE_QMASTER_PORT=6444", flush=True
        )
        try:
            signal.pause()
        except KeyboardInterrupt:
            print("stopping")


if __name__ == "__main__":
    main(*sys.argv[1:])
