"""The account of an end-to-end run: each step, told as its docstring tells it, and what it took."""

import time
from collections.abc import Callable

Step = Callable[[], object]


class Account:
    """Runs steps in order; the first that fails ends the run."""

    def __init__(self) -> None:
        self._started_s = time.monotonic()
        self.passed = 0
        self.failed = 0

    def take(self, step: Step, told: str = "") -> None:
        """Take a step, and print a line of it.

        Raises:
            Exception: whatever the step raised.
        """
        told = told or (step.__doc__ or "").partition("\n")[0].rstrip(".")
        started_s = time.monotonic()
        try:
            step()
        except Exception:
            self.failed += 1
            self._tell("FAILED", started_s, told)
            raise
        self.passed += 1
        self._tell("ok", started_s, told)

    def close(self) -> None:
        """Print what came of it all."""
        print(f"{time.monotonic() - self._started_s:.0f} s in all")
        print(f"{self.passed} passed, {self.failed} failed", flush=True)

    def _tell(self, came: str, started_s: float, told: str) -> None:
        took_ms = (time.monotonic() - started_s) * 1000
        print(f"{came:>6} {took_ms:7.0f} ms  {told}", flush=True)
