"""One daemon as a process that never outlives the tests: killed with them, however they end.

The kernel kills a child on PDEATHSIG when the *thread* that started it ends, so one thread that
lives as long as the process starts them all; a test may restart a daemon from any thread.
"""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 120.0
SHOWN_LINES = 40
_STARTER = ThreadPoolExecutor(1, thread_name_prefix="starts-daemons")


class Daemon:
    """A process, its command and its log."""

    def __init__(
        self,
        command: Sequence[str | Path],
        log: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = log.stem
        self.log = log
        self._command = ["setpriv", "--pdeathsig", "KILL", "--", *map(str, command)]
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Return the process id."""
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Return whether it runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it; what it writes is added to its log."""
        self._process = _STARTER.submit(self._open).result()

    def _open(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the tests, which end their daemons in order
            )

    def stop(self, sign: signal.Signals = signal.SIGTERM, grace_s: float = 60.0) -> None:
        """End it; SIGKILL follows where the sign is not obeyed in time."""
        if self._process is None:
            return
        self._process.send_signal(sign)
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(grace_s)

    def kill(self) -> None:
        """End it at once, as a machine that loses its power."""
        self.stop(signal.SIGKILL)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Keep it from running while the block lasts: its connections stay open, and silent."""
        self._signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._signal(signal.SIGCONT)

    @contextmanager
    def slowed(self, frozen_s: float = 0.2, running_s: float = 0.05) -> Iterator[None]:
        """Let it run for a moment at a time while the block lasts."""
        ended = threading.Event()

        def stutter() -> None:
            while not ended.wait(running_s):
                with self.frozen():
                    ended.wait(frozen_s)

        thread = threading.Thread(target=stutter)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _signal(self, sign: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(sign)

    def resident_bytes(self) -> int:
        """Return its resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
        return int(line.split()[1]) * 1024

    def wait_until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait for what this daemon is to bring about.

        Raises:
            RuntimeError: it ended, or took too long; with the last lines of its log.
        """
        deadline_s = time.monotonic() + PATIENCE_S
        while not holds():
            if not self.alive or time.monotonic() > deadline_s:
                why = "took too long" if self.alive else "ended by itself"
                raise RuntimeError(f"{self.name} {why}, waiting for {what}:\n{self.log_tail()}")
            time.sleep(0.02)

    def log_tail(self) -> str:
        """Return the last lines of its log."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(lines[-SHOWN_LINES:])
