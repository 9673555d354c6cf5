"""Event loop whose time passes only when nothing else can happen: no test has to sleep.

Timers fire in their order, at once. A task that waits for a timer alone never really waits, so that
a generator of thousands of cases (Hypothesis, Atheris) can run ones that last for days.
"""

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class _Impatient(selectors.DefaultSelector):
    """A selector that passes time instead of waiting."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("deadlock: every task waits, and no timer or file is pending")
        ready = super().select(0)
        if not ready:
            self.now_s += max(0.0, timeout)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """asyncio's own loop, on a clock of its own."""

    def __init__(self) -> None:
        self._impatient = _Impatient()
        super().__init__(self._impatient)
        self.broken: list[Mapping[str, Any]] = []
        self.set_exception_handler(lambda _, context: self.broken.append(context))

    def time(self) -> float:
        """Return this loop's own seconds."""
        return self._impatient.now_s

    def pass_time(self, seconds: float) -> None:
        """Pass time in which nothing is done, as a callback that takes long does."""
        self._impatient.now_s += seconds


def run(story: Coroutine[Any, Any, T]) -> T:
    """Run to the end; fail if a task or a callback raised unnoticed, or is left behind."""
    loop = VirtualTimeLoop()
    try:
        result = loop.run_until_complete(story)
        left = asyncio.all_tasks(loop)
        assert not left, f"tasks are left: {left}"
        assert not loop.broken, loop.broken
        return result
    finally:
        loop.close()
