"""Functions in a thread of their own, one at a time."""

import asyncio
import threading

import pytest

from rackwatt_exporter.collectors.read_thread import ReadThread
from rackwatt_exporter.reading import ReadError, Reason


async def test_a_read_thread_returns_what_the_function_does_without_blocking_the_loop() -> None:
    thread, free = ReadThread(), threading.Event()
    reading = asyncio.create_task(thread.run(lambda: free.wait() and threading.current_thread()))
    while not thread.is_busy:
        await asyncio.sleep(0)
    free.set()
    assert await reading is not threading.main_thread()
    assert not thread.is_busy


async def test_a_read_thread_raises_what_the_function_raises_and_runs_the_next() -> None:
    thread = ReadThread()

    def fail() -> None:
        raise ReadError(Reason.ABSENT, "nothing here")

    with pytest.raises(ReadError, match="nothing here"):
        await thread.run(fail)
    assert await thread.run(lambda: 5) == 5


async def test_a_read_thread_that_cannot_start_is_a_reason_and_tries_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    thread = ReadThread()

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(ReadError, match="can't start new thread") as caught:
            await thread.run(lambda: 5)
    assert caught.value.reason is Reason.SENSOR_UNREADABLE
    assert await thread.run(lambda: 5) == 5
