"""A function that may hang, called in a thread: files of drivers wait for their device.

A read of sysfs takes microseconds. One of a GPU that has failed can take seconds, or never return.
A call that has not returned keeps its thread, and no other one is started beside it. Its threads
are daemons: they do not hold up the exit of the process.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Generic, TypeVar

from rackwatt_exporter.reading import ReadError, Reason

T = TypeVar("T")
ANSWER_S = 4.0


class BackgroundCall(Generic[T]):
    """One function, never called twice at once. `what` names what does not respond."""

    def __init__(self, function: Callable[[], T], what: str, answer_s: float = ANSWER_S) -> None:
        self._function = function
        self._what = what
        self._answer_s = answer_s
        self._answer: asyncio.Future[T] | None = None
        self._called_s = 0.0

    async def call(self) -> T:
        """Return what the function returns.

        Raises:
            ReadError: timeout, while it has not returned; and what the function raises.
        """
        loop = asyncio.get_running_loop()
        if self._answer is not None and self._answer.done():  # after its deadline: too old
            self._answer.exception()
            self._answer = None
        if self._answer is None:
            self._answer = loop.create_future()
            self._called_s = loop.time()
            threading.Thread(target=self._run, args=(loop, self._answer), daemon=True).start()
        try:
            async with asyncio.timeout(self._answer_s):
                return await asyncio.shield(self._answer)
        except TimeoutError:
            waited_s = loop.time() - self._called_s
            message = f"{self._what} has not responded for {waited_s:.0f} s"
            raise ReadError(Reason.TIMEOUT, message) from None

    def _run(self, loop: asyncio.AbstractEventLoop, answer: "asyncio.Future[T]") -> None:
        settle: Callable[[], None]
        try:
            value = self._function()
        except Exception as error:
            raised = error
            settle = lambda: _fail(answer, raised)  # noqa: E731 - two ends of one call
        else:
            settle = lambda: _succeed(answer, value)  # noqa: E731 - see above
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle)


def _succeed(answer: "asyncio.Future[T]", value: T) -> None:
    if not answer.done():
        answer.set_result(value)


def _fail(answer: "asyncio.Future[T]", error: Exception) -> None:
    if not answer.done():
        answer.set_exception(error)
