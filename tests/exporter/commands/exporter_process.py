"""The command as a process of its own, whose log is read line by line."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from tests.eventually import PATIENCE_S

COMMAND = [sys.executable, "-m", "rackwatt_exporter"]
_LISTENS = re.compile(r"listens on (\S+) port (\d+)")


class Running:
    """A running `rackwatt-exporter`."""

    def __init__(
        self, arguments: Sequence[str], under: Sequence[str] = (), **environment: str
    ) -> None:
        self.process = subprocess.Popen(
            [*under, *COMMAND, *arguments],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        self.log: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.log.append(line)

    def until_logged(self, matches: Callable[[str], object]) -> str:
        """Wait for a line of the log."""
        return self._until(lambda: next((line for line in self.log if matches(line)), None))

    def until_served(self, matches: Callable[[str], object], path: str) -> str:
        """Wait until a page matches."""

        def look() -> str | None:
            text = self.get(path)
            return text if matches(text) else None

        return self._until(look)

    def get(self, path: str) -> str:
        """Get a page's text, whatever its status."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=PATIENCE_S) as response:
                return str(response.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return str(error.read().decode())

    @property
    def url(self) -> str:
        found = _LISTENS.search(self.until_logged(_LISTENS.search))
        assert found
        return f"http://127.0.0.1:{found[2]}"

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and wait for the exit status."""
        self.process.send_signal(number)
        status = self.process.wait(PATIENCE_S)
        self._reader.join(PATIENCE_S)
        return status

    def _until(self, look: Callable[[], str | None]) -> str:
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            found = look()
            if found is not None:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError("no match in time; the log:\n" + "".join(self.log))


@contextmanager
def running(*arguments: object, under: Sequence[str] = (), **environment: str) -> Iterator[Running]:
    """Start the command, `under` another one if there is one, and hold that it is gone after."""
    run = Running([str(argument) for argument in arguments], under, **environment)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.process.kill()
        run.process.wait(PATIENCE_S)
        assert run.process.stderr
        run._reader.join(PATIENCE_S)
        run.process.stderr.close()
