import asyncio
import gc
import logging
import weakref
from collections.abc import Awaitable, Callable

import pytest

from rackwatt_exporter.polling.limits import ConcurrencyLimit
from rackwatt_exporter.polling.poller import Poller
from rackwatt_exporter.polling.schedule import PollSchedule
from rackwatt_exporter.polling.ticks import Ticks
from rackwatt_exporter.reading import ReadError, Reason
from tests.eventually import PATIENCE_S, eventually

LOOPS = ("attended",)

QUICK = PollSchedule(interval_s=0.1, timeout_s=0.05, max_backoff_s=0.2)


class RecordingSink:
    """Records the results of a poller."""

    def __init__(self) -> None:
        self.results: list[str | Reason] = []
        self.errors: list[ReadError] = []

    def succeeded(self, key: str, result: str, took_s: float) -> None:
        self.results.append(result)

    def failed(self, key: str, error: ReadError, took_s: float) -> None:
        self.results.append(error.reason)
        self.errors.append(error)


class Scripted:
    """A source that gives scripted answers, and records the most reads at once."""

    def __init__(self, *answers: Callable[[], Awaitable[str]]) -> None:
        self.answers = list(answers)
        self.reads = 0
        self.inside = 0
        self.most_inside = 0
        self.closed = False
        self.close_hangs = False

    async def read(self) -> str:
        answer = self.answers[min(self.reads, len(self.answers) - 1)]
        self.reads += 1
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        try:
            return await answer()
        finally:
            self.inside -= 1

    async def close(self) -> None:
        self.closed = True
        if self.close_hangs:
            await asyncio.Event().wait()


async def fine() -> str:
    return "fine"


async def silent() -> str:
    await asyncio.Event().wait()
    raise AssertionError


async def refusing() -> str:
    raise ReadError(Reason.CONNECTION_REFUSED, "connection refused")


async def switched_off() -> str:
    raise ReadError(Reason.POWERED_OFF, "off")


async def broken() -> str:
    raise KeyError("secret-looking detail")


def poller(source: Scripted, sink: RecordingSink, pace: PollSchedule = QUICK) -> Poller[str]:
    return Poller("n1", source, pace, (ConcurrencyLimit(()), ConcurrencyLimit(())), sink, Ticks())


async def test_the_poller_reads_a_source_repeatedly_and_never_twice_at_once() -> None:
    source, sink = Scripted(fine), RecordingSink()
    task = asyncio.create_task(poller(source, sink).run())
    await eventually(lambda: len(sink.results) >= 3)
    task.cancel()
    assert set(sink.results) == {"fine"}
    assert source.most_inside == 1


async def test_the_poller_reports_a_timeout_and_reads_the_source_again() -> None:
    sink = RecordingSink()
    task = asyncio.create_task(poller(Scripted(silent, fine), sink).run())
    await eventually(lambda: len(sink.results) >= 2)
    task.cancel()
    assert sink.results[:2] == [Reason.TIMEOUT, "fine"]
    assert "0.05s" in str(sink.errors[0])


async def test_the_poller_reports_an_unexpected_error_logs_it_and_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sink = RecordingSink()
    polled = poller(Scripted(broken, fine), sink)
    with caplog.at_level(logging.ERROR):
        await polled.poll()
        await polled.poll()
    assert sink.results == [Reason.INTERNAL_ERROR, "fine"]
    assert "KeyError" in str(sink.errors[0])
    assert "secret-looking" not in str(sink.errors[0])
    assert "Traceback" in caplog.text


async def test_the_poller_reports_a_stray_cancellation_as_an_error_and_goes_on() -> None:
    async def astray() -> str:
        raise asyncio.CancelledError

    sink = RecordingSink()
    polled = poller(Scripted(astray, fine), sink)
    await polled.poll()
    await polled.poll()
    assert sink.results == [Reason.INTERNAL_ERROR, "fine"]


async def test_the_poller_logs_only_transitions(caplog: pytest.LogCaptureFixture) -> None:
    polled = poller(Scripted(fine, refusing, refusing, switched_off, fine, fine), RecordingSink())
    with caplog.at_level(logging.INFO):
        for _ in range(6):
            await polled.poll()
    assert caplog.messages == [
        "connection_refused: connection refused",
        "powered_off: off",
        "target recovered",
    ]


async def test_the_poller_uses_the_limit_of_the_suspect_after_a_failure_until_an_answer() -> None:
    lanes: list[str] = []

    class Lane(ConcurrencyLimit):
        def __init__(self, name: str) -> None:
            super().__init__(())
            self.name = name

        async def __aenter__(self) -> None:
            lanes.append(self.name)

    source = Scripted(fine, fine, refusing, fine, switched_off, fine)
    polled = Poller(
        "n1", source, QUICK, (Lane("living"), Lane("suspect")), RecordingSink(), Ticks()
    )
    for _ in range(6):
        await polled.poll()
    assert lanes == ["suspect", "living", "living", "suspect", "living", "living"]


async def test_the_poller_abandons_a_close_that_does_not_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rackwatt_exporter.polling.poller._CLOSE_S", 0.05)
    source = Scripted(fine)
    source.close_hangs = True
    async with asyncio.timeout(PATIENCE_S):
        await poller(source, RecordingSink()).close()
    assert source.closed


async def test_the_poller_keeps_no_references_of_an_error() -> None:
    class Opened:
        pass

    async def failing() -> str:
        opened = Opened()
        left.append(weakref.ref(opened))
        try:
            raise OSError("no route")
        except OSError as error:
            fault = ReadError(Reason.UNREACHABLE, str(error))
            raise fault from None

    left: list[weakref.ref[Opened]] = []
    sink = RecordingSink()
    gc.disable()
    try:
        await poller(Scripted(failing), sink).poll()
        assert [each() for each in left] == [None]
    finally:
        gc.enable()
    assert str(sink.errors[0]) == "no route"
