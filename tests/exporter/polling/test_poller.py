import asyncio
import gc
import logging
import weakref
from collections.abc import Awaitable, Callable

import pytest

from rackwatt_exporter.polling.beats import Beats
from rackwatt_exporter.polling.limits import ConcurrencyLimit
from rackwatt_exporter.polling.poller import Poller
from rackwatt_exporter.polling.schedule import PollSchedule
from rackwatt_exporter.reading import ReadError, Reason
from tests.eventually import PATIENCE_S, eventually

LOOPS = ("attended",)

QUICK = PollSchedule(interval_s=0.1, timeout_s=0.05, max_backoff_s=0.2)


class Desk:
    """Takes what the poller tells."""

    def __init__(self) -> None:
        self.told: list[str | Reason] = []
        self.errors: list[ReadError] = []

    def succeeded(self, key: str, result: str, took_s: float) -> None:
        self.told.append(result)

    def failed(self, key: str, error: ReadError, took_s: float) -> None:
        self.told.append(error.reason)
        self.errors.append(error)


class Scripted:
    """A source that does as it is told, and notes whether it was ever asked twice at once."""

    def __init__(self, *answers: Callable[[], Awaitable[str]]) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.inside = 0
        self.most_inside = 0
        self.closed = False
        self.close_hangs = False

    async def read(self) -> str:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
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
    raise ReadError(Reason.CONNECTION_REFUSED, "nobody listens there")


async def switched_off() -> str:
    raise ReadError(Reason.POWERED_OFF, "off")


async def broken() -> str:
    raise KeyError("secret-looking detail")


def poller(source: Scripted, desk: Desk, pace: PollSchedule = QUICK) -> Poller[str]:
    return Poller("n1", source, pace, (ConcurrencyLimit(()), ConcurrencyLimit(())), desk)


async def test_a_source_is_asked_again_and_again_and_never_twice_at_once() -> None:
    source, desk = Scripted(fine), Desk()
    task = asyncio.create_task(poller(source, desk).run(Beats()))
    await eventually(lambda: len(desk.told) >= 3)
    task.cancel()
    assert set(desk.told) == {"fine"}
    assert source.most_inside == 1


async def test_silence_past_the_deadline_is_a_timeout_and_the_source_is_asked_again() -> None:
    desk = Desk()
    task = asyncio.create_task(poller(Scripted(silent, fine), desk).run(Beats()))
    await eventually(lambda: len(desk.told) >= 2)
    task.cancel()
    assert desk.told[:2] == [Reason.TIMEOUT, "fine"]
    assert "0.05s" in str(desk.errors[0])


async def test_a_fault_of_ours_is_told_as_such_logged_and_survived(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk()
    asking = poller(Scripted(broken, fine), desk)
    with caplog.at_level(logging.ERROR):
        await asking.ask()
        await asking.ask()
    assert desk.told == [Reason.INTERNAL_ERROR, "fine"]
    assert "KeyError" in str(desk.errors[0])
    assert "secret-looking" not in str(desk.errors[0])
    assert "Traceback" in caplog.text


async def test_a_cancellation_gone_astray_is_a_fault_and_does_not_end_the_polling() -> None:
    async def astray() -> str:
        raise asyncio.CancelledError

    desk = Desk()
    asking = poller(Scripted(astray, fine), desk)
    await asking.ask()
    await asking.ask()
    assert desk.told == [Reason.INTERNAL_ERROR, "fine"]


async def test_only_transitions_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    asking = poller(Scripted(fine, refusing, refusing, switched_off, fine, fine), Desk())
    with caplog.at_level(logging.INFO):
        for _ in range(6):
            await asking.ask()
    assert caplog.messages == [
        "connection_refused: nobody listens there",
        "powered_off: off",
        "answers again",
    ]


async def test_failures_wait_in_the_lane_of_the_suspect_and_answers_leave_it() -> None:
    lanes: list[str] = []

    class Lane(ConcurrencyLimit):
        def __init__(self, name: str) -> None:
            super().__init__(())
            self.name = name

        async def __aenter__(self) -> None:
            lanes.append(self.name)

    source = Scripted(fine, fine, refusing, fine, switched_off, fine)
    asking = Poller("n1", source, QUICK, (Lane("living"), Lane("suspect")), Desk())
    for _ in range(6):
        await asking.ask()
    assert lanes == ["suspect", "living", "living", "suspect", "living", "living"]


async def test_a_peer_that_does_not_answer_a_close_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("rackwatt_exporter.polling.poller._CLOSE_S", 0.05)
    source = Scripted(fine)
    source.close_hangs = True
    async with asyncio.timeout(PATIENCE_S):
        await poller(source, Desk()).close()
    assert source.closed


async def test_an_error_that_is_kept_does_not_keep_what_was_open_when_it_came() -> None:
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
    desk = Desk()
    gc.disable()
    try:
        await poller(Scripted(failing), desk).ask()
        assert [each() for each in left] == [None]
    finally:
        gc.enable()
    assert str(desk.errors[0]) == "no route"
