"""A thread for files whose drivers take long: the event loop does not wait for them.

A sensor behind I2C, ACPI or firmware takes milliseconds to seconds, and may hang. A read that the
poller has cancelled goes on in its thread; until it has ended, there is no second one. The thread
is a daemon: a driver that hangs does not keep the process from ending.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import TypeVar

from rackwatt_exporter.reading import ReadError, Reason

T = TypeVar("T")


class ReadThread:
    """Runs one function at a time."""

    def __init__(self) -> None:
        self.is_busy = False  # while a function runs

    async def run(self, function: Callable[[], T]) -> T:
        """Run a function and return its result, or raise its exception.

        Raises:
            ReadError: timeout, where the previous function has not returned.
        """
        if self.is_busy:
            message = "the previous reading has not ended: a driver of this machine hangs"
            raise ReadError(Reason.TIMEOUT, message)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def settle(result: T | None, error: Exception | None) -> None:
            if future.cancelled():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]

        def work() -> None:
            result, problem = None, None
            try:
                result = function()
            except Exception as error:
                problem = error
            self.is_busy = False
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(settle, result, problem)

        thread = Thread(target=work, name="read", daemon=True)
        self.is_busy = True
        try:
            thread.start()
        except RuntimeError as error:
            self.is_busy = False
            message = f"no thread could be started for the reading: {error}"
            raise ReadError(Reason.SENSOR_UNREADABLE, message) from None
        return await future
