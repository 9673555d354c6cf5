"""One source, asked for as long as the process lives: the loop around every `read`.

It knows time and nothing of protocols. It is the same loop for a BMC and for a scheduler: both are
something that is read, takes long or fails, and must not be asked twice at once.
"""

import asyncio
import logging
import time
from typing import Generic, Protocol, TypeVar

from rackwatt_exporter.polling.beats import Beats
from rackwatt_exporter.polling.limits import ConcurrencyLimit
from rackwatt_exporter.polling.schedule import PollSchedule, beat_s, first_due_s, next_due_s
from rackwatt_exporter.reading import ReadError, Reason

log = logging.getLogger(__name__)

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
T_contra = TypeVar("T_contra", contravariant=True)

_CLOSE_S = 4.0
# The BMC answered, and answered well: there is nothing to be spared by waiting longer.
_NO_REST = frozenset({Reason.POWERED_OFF, Reason.SEARCHING})


class Pollable(Protocol[T_co]):
    """What is polled: a target's source, or a scheduler."""

    async def read(self) -> T_co:
        """Read once; raises ReadError."""
        ...

    async def close(self) -> None:
        """End what is open at the peer."""
        ...


class ResultSink(Protocol[T_contra]):
    """Where results go, one way."""

    def succeeded(self, key: str, result: T_contra, took_s: float) -> None:
        """Take a result that came just now."""
        ...

    def failed(self, key: str, error: ReadError, took_s: float) -> None:
        """Take a failure that came just now."""
        ...


class Poller(Generic[T]):
    """Asks one source at its pace, and tells the sink what came of it."""

    def __init__(
        self,
        key: str,
        source: Pollable[T],
        pace: PollSchedule,
        gates: tuple[ConcurrencyLimit, ConcurrencyLimit],
        sink: ResultSink[T],
    ) -> None:
        self.key = key
        self.pace = pace
        self._source = source
        self._living, self._suspect = gates
        self._sink = sink
        self._failures = 0
        self._answered = False
        self._reason: Reason | None = None

    async def run(self, beats: Beats) -> None:
        """Ask until cancelled, even where a library swallows that (wait_for of Python 3.11)."""
        due_s = first_due_s(self.key, self.pace, time.monotonic())
        task = asyncio.current_task()
        while not _is_cancelled(task):
            await beats.sleep(beat_s(due_s) - time.monotonic())
            await self.ask()
            due_s = next_due_s(self.key, self.pace, due_s, time.monotonic(), self._failures)

    async def ask(self) -> None:
        """Ask once, within the deadline, when the gate lets it through."""
        async with self._living if self._answered else self._suspect:
            started_s = time.monotonic()
            try:
                async with asyncio.timeout(self.pace.timeout_s):
                    result = await self._source.read()
            except ReadError as error:
                self._fail(error, started_s)
            except TimeoutError:
                told = f"no reading within the timeout of {self.pace.timeout_s:g}s"
                self._fail(ReadError(Reason.TIMEOUT, told), started_s)
            except asyncio.CancelledError as error:
                if _is_cancelled(asyncio.current_task()):
                    raise
                self._break(error, started_s)  # not meant for us: a library's own, gone astray
            except Exception as error:
                self._break(error, started_s)
            else:
                self._succeed(result, started_s)

    async def close(self) -> None:
        """Close the source; a peer that does not answer is left after a moment."""
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._source.close()
        except (TimeoutError, ReadError):
            log.debug("a session was left open", extra={"node": self.key})
        except Exception:
            log.exception("a source broke while closing", extra={"node": self.key})

    def _succeed(self, result: T, started_s: float) -> None:
        if self._reason is not None:
            log.info("answers again", extra={"node": self.key})
        self._failures, self._reason, self._answered = 0, None, True
        self._sink.succeeded(self.key, result, time.monotonic() - started_s)

    def _break(self, error: BaseException, started_s: float) -> None:
        log.error("a source broke", extra={"node": self.key}, exc_info=error)
        told = f"a fault of Rackwatt itself ({type(error).__name__}): see the log"
        self._fail(ReadError(Reason.INTERNAL_ERROR, told), started_s)

    def _fail(self, error: ReadError, started_s: float) -> None:
        # It is kept for as long as the target fails: not with the frames it came through, whose
        # sockets would stay open until the collector comes, which in a large fleet is never.
        error.__traceback__ = error.__context__ = error.__cause__ = None
        if error.reason is not self._reason:
            log.warning("%s: %s", error.reason, error, extra={"node": self.key})
        self._reason = error.reason
        self._failures = 0 if error.reason in _NO_REST else self._failures + 1
        self._answered = error.reason in _NO_REST
        self._sink.failed(self.key, error, time.monotonic() - started_s)


def _is_cancelled(task: "asyncio.Task[object] | None") -> bool:
    return task is not None and task.cancelling() > 0
