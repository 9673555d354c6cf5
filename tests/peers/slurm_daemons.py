"""The daemons of one Slurm: each with a log in its directory, and munged among them.

What was started is found again by its environment when all of it ends, whatever its parent is by
then.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.eventually import PATIENCE_S
from tests.peers.slurm_release import OWN, SlurmRelease

_MUNGE_FILES = ("key-file", "pid-file", "seed-file", "log-file", "socket")


class Daemons:
    """Daemons of one release that share a directory and a slurm.conf in it."""

    def __init__(self, directory: Path, release: SlurmRelease = OWN) -> None:
        self.directory = directory
        self._release = release
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def configuration(self) -> Path:
        """Where slurm.conf is."""
        return self.directory / "slurm.conf"

    @property
    def environment(self) -> dict[str, str]:
        """What Slurm's commands need to find it."""
        return os.environ | {"SLURM_CONF": str(self.configuration), "PATH": self._release.path}

    def start(self, name: str, *command: str, environment: dict[str, str] | None = None) -> None:
        """Start a daemon in the foreground of a session of its own, and without a core dump."""
        with (self.directory / f"{name}.log").open("ab") as log:
            environment = environment or self.environment
            self._running[name] = subprocess.Popen(
                ("prlimit", "--core=0:0", *command),  # Slurm's raise their own to the hard limit
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.directory,
            )

    def start_munged(self, key: bytes) -> None:
        """Start munged with this key; who has the same key believes the same users."""
        path = self.directory / "munge.key"
        path.write_bytes(key)
        path.chmod(0o600)
        files = (
            f"--{option}={self.directory}/munge.{option.removesuffix('-file')}"
            for option in _MUNGE_FILES
        )
        self.start("munged", "munged", "--foreground", "--num-threads=2", *files)
        self.wait((self.directory / "munge.socket").exists, "munged")

    def stop(self, name: str) -> None:
        """Stop a daemon."""
        daemon = self._running.pop(name)
        daemon.terminate()
        daemon.wait(PATIENCE_S)

    @contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Keep a daemon from running, its sockets open, until the block ends."""
        pid = self._running[name].pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def end(self) -> None:
        """End all of them, and whatever they started."""
        for name in reversed(self._running):
            self._running[name].terminate()
        while mine := list(self._mine()):
            for pid in mine:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
        for daemon in self._running.values():
            daemon.wait()

    def run(self, *command: str) -> str:
        """Run a command and return what it printed."""
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=PATIENCE_S
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
        return done.stdout

    def answers(self, *command: str) -> bool:
        """Return whether a command succeeds."""
        return subprocess.run(command, env=self.environment, capture_output=True).returncode == 0

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """Wait until a condition holds.

        Raises:
            TimeoutError: it did not in time, or a daemon has ended; with the ends of all logs.
        """
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            ended = any(daemon.poll() is not None for daemon in self._running.values())
            if ended or time.monotonic() > deadline:
                raise TimeoutError(f"waited in vain for {what}\n{self._logs()}")
            time.sleep(0.05)

    def _mine(self) -> Iterator[int]:
        """Find every process that was started with this configuration."""
        yield from self._steps()
        mark = f"SLURM_CONF={self.configuration}".encode()
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                found = mark in path.read_bytes().split(b"\0")
            except OSError:
                continue
            if found:
                yield int(path.parent.name)

    def _steps(self) -> Iterator[int]:
        """Find each slurmstepd by its socket here: its title has overwritten its environment."""
        sockets = {
            f"socket:[{words[6]}]"
            for line in Path("/proc/net/unix").read_text().splitlines()
            if len(words := line.split()) == 8 and words[7].startswith(f"{self.directory}/")
        }
        for name in Path("/proc").glob("[0-9]*/comm"):
            with suppress(OSError):
                if name.read_text() != "slurmstepd\n":
                    continue
                if sockets & {os.readlink(one) for one in (name.parent / "fd").iterdir()}:
                    yield int(name.parent.name)

    def _logs(self) -> str:
        ends = []
        for log in sorted(self.directory.glob("*.log")):
            ends += [f"-- {log.name}", *log.read_text(errors="replace").splitlines()[-3:]]
        return "\n".join(ends)
