"""Poller of one source: the loop around every `read`.

It knows time and no protocol. A BMC and a scheduler have the same loop: both are read, may be slow
or fail, and must not be read concurrently.
"""

import asyncio
import logging
import time
from typing import Generic, Protocol, TypeVar

from rackwatt_exporter.polling.limits import ConcurrencyLimit
from rackwatt_exporter.polling.schedule import (
    PollSchedule,
    align_to_tick_s,
    first_poll_at_s,
    next_poll_at_s,
)
from rackwatt_exporter.polling.ticks import Ticks, Timeout
from rackwatt_exporter.reading import ReadError, Reason

log = logging.getLogger(__name__)

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)

_CLOSE_S = 4.0
# The BMC responds correctly: a longer wait would spare it nothing.
_NO_BACKOFF = frozenset({Reason.POWERED_OFF, Reason.SEARCHING})


class Pollable(Protocol[T_co]):
    """What is polled: the source of a target, a scheduler, a collector."""

    async def read(self) -> T_co:
        """Read once; raises ReadError."""
        ...

    async def close(self) -> None:
        """Close what is open at the peer."""
        ...


class ResultSink(Protocol[T_contra]):
    """Receiver of results."""

    def succeeded(self, key: str, result: T_contra, took_s: float) -> None:
        """Accept a new result."""
        ...

    def failed(self, key: str, error: ReadError, took_s: float) -> None:
        """Accept a new failure."""
        ...


class Poller(Generic[T]):
    """Reads one source on its schedule, and passes each result to a sink."""

    def __init__(
        self,
        key: str,
        source: Pollable[T],
        schedule: PollSchedule,
        limits: tuple[ConcurrencyLimit, ConcurrencyLimit],
        sink: ResultSink[T],
        ticks: Ticks,
    ) -> None:
        self.key = key
        self.schedule = schedule
        self._source = source
        self._healthy, self._unproven = limits
        self._sink = sink
        self._ticks = ticks
        self._timeout = Timeout(ticks)
        self._failures = 0
        self._is_healthy = False
        self._reason: Reason | None = None

    async def run(self) -> None:
        """Poll until cancelled, even if a library swallows that (wait_for of Python 3.11)."""
        due_s = first_poll_at_s(self.key, self.schedule, time.monotonic())
        task = asyncio.current_task()
        while not _is_cancelled(task):
            await self._ticks.sleep(align_to_tick_s(due_s) - time.monotonic())
            await self.poll()
            due_s = next_poll_at_s(self.key, self.schedule, due_s, time.monotonic(), self._failures)

    async def poll(self) -> None:
        """Read once, within the timeout, when the limits allow it."""
        async with self._healthy if self._is_healthy else self._unproven:
            started_s = time.monotonic()
            try:
                with self._timeout.after(self.schedule.timeout_s, self.schedule.grace_s):
                    result = await self._source.read()
            except ReadError as error:
                self._fail(error, started_s)
            except TimeoutError:
                message = f"no reading within the timeout of {self.schedule.timeout_s:g}s"
                self._fail(ReadError(Reason.TIMEOUT, message), started_s)
            except asyncio.CancelledError as error:
                if _is_cancelled(asyncio.current_task()):
                    raise
                self._report_bug(error, started_s)  # a cancellation inside a library
            except Exception as error:
                self._report_bug(error, started_s)
            else:
                self._succeed(result, started_s)

    async def close(self) -> None:
        """Close the source; give up after a few seconds on a peer that does not respond."""
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._source.close()
        except (TimeoutError, ReadError):
            log.debug("session left open: no response while closing", extra={"node": self.key})
        except Exception:
            log.exception("unexpected error while closing target", extra={"node": self.key})

    def _succeed(self, result: T, started_s: float) -> None:
        if self._reason is not None:
            log.info("target recovered", extra={"node": self.key})
        self._failures, self._reason, self._is_healthy = 0, None, True
        self._sink.succeeded(self.key, result, time.monotonic() - started_s)

    def _report_bug(self, error: BaseException, started_s: float) -> None:
        log.error("unexpected error while reading target", extra={"node": self.key}, exc_info=error)
        message = f"bug in Rackwatt ({type(error).__name__}): see the log"
        self._fail(ReadError(Reason.INTERNAL_ERROR, message), started_s)

    def _fail(self, error: ReadError, started_s: float) -> None:
        # The error is kept while the target fails: without its frames, whose sockets would stay
        # open until garbage collection, which is frozen for a large fleet.
        error.__traceback__ = error.__context__ = error.__cause__ = None
        if error.reason is not self._reason:
            log.warning("%s: %s", error.reason, error, extra={"node": self.key})
        self._reason = error.reason
        self._failures = 0 if error.reason in _NO_BACKOFF else self._failures + 1
        self._is_healthy = error.reason in _NO_BACKOFF
        self._sink.failed(self.key, error, time.monotonic() - started_s)


def _is_cancelled(task: "asyncio.Task[object] | None") -> bool:
    return task is not None and task.cancelling() > 0
