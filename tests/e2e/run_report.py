"""Report of an end-to-end run: each step, described by its docstring, and the time it took."""

import time
from collections.abc import Callable

Step = Callable[[], object]


class RunReport:
    """Runs steps in order; the first that fails ends the run."""

    def __init__(self) -> None:
        self._started_s = time.monotonic()
        self.passed = 0
        self.failed = 0

    def run(self, step: Step, title: str = "") -> None:
        """Run a step, and print a line about it.

        Raises:
            Exception: whatever the step raised.
        """
        title = title or (step.__doc__ or "").partition("\n")[0].rstrip(".")
        started_s = time.monotonic()
        try:
            step()
        except Exception:
            self.failed += 1
            self._print("FAILED", started_s, title)
            raise
        self.passed += 1
        self._print("ok", started_s, title)

    def close(self) -> None:
        """Print the duration of the run, and the numbers of steps passed and failed."""
        print(f"{time.monotonic() - self._started_s:.0f} s in all")
        print(f"{self.passed} passed, {self.failed} failed", flush=True)

    def _print(self, result: str, started_s: float, title: str) -> None:
        took_ms = (time.monotonic() - started_s) * 1000
        print(f"{result:>6} {took_ms:7.0f} ms  {title}", flush=True)
