"""The work queue on a virtual clock: order, retries and priorities of keys."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_operator.controller.workqueue import (
    LONGEST_BACKOFF_S,
    MAX_LOW_PRIORITY_S,
    Result,
    RetryError,
    Work,
    WorkQueue,
)
from rackwatt_operator.kube.resources import ObjectKey
from tests.virtual_time import run


def key(number: int) -> ObjectKey:
    return ObjectKey("PowerTarget", "default", f"t{number}")


Story = Callable[[WorkQueue], Awaitable[None]]


def run_queue(work: Work, story: Story, workers: int = 2) -> None:
    async def play() -> None:
        queue = WorkQueue(work, workers, jitter=lambda: 0.0)
        queue.set_active(True)
        running = asyncio.create_task(queue.run())
        await story(queue)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    run(play())


def test_the_queue_merges_events_of_a_key_that_is_being_reconciled() -> None:
    began: list[float] = []

    async def work(_: ObjectKey, __: bool) -> Result:
        began.append(asyncio.get_running_loop().time())
        await asyncio.sleep(1)
        return Result()

    async def story(queue: WorkQueue) -> None:
        for _ in range(100):
            queue.add([key(1)])
            await asyncio.sleep(0.01)
        await asyncio.sleep(10)

    run_queue(work, story)
    assert len(began) == 2


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 3)), max_size=40), st.integers(1, 4))
def test_the_queue_never_runs_a_key_twice_at_a_time_and_loses_none(
    arrivals: list[tuple[int, float]], workers: int
) -> None:
    active: set[ObjectKey] = set()
    most = 0
    done: dict[ObjectKey, float] = {}

    async def work(name: ObjectKey, busy: bool) -> Result:
        nonlocal most
        assert name not in active
        active.add(name)
        most = max(most, len(active))
        began_s = asyncio.get_running_loop().time()
        await asyncio.sleep(0.7)
        active.discard(name)
        if busy:
            return Result(low_priority=True)
        done[name] = began_s
        return Result()

    last: dict[ObjectKey, float] = {}

    async def story(queue: WorkQueue) -> None:
        for number, wait_s in arrivals:
            await asyncio.sleep(wait_s)
            last[key(number)] = asyncio.get_running_loop().time()
            queue.add([key(number)])
        await asyncio.sleep(100)
        assert queue.depth == 0

    run_queue(work, story, workers)
    assert most <= workers
    assert done.keys() == last.keys()
    assert all(done[name] >= last[name] for name in last)  # worked on after its last event


def test_the_queue_retries_a_failed_key_with_exponential_backoff_up_to_a_minute() -> None:
    began: list[float] = []

    async def work(_: ObjectKey, __: bool) -> Result:
        began.append(asyncio.get_running_loop().time())
        raise RetryError("not yet")

    async def story(queue: WorkQueue) -> None:
        queue.add([key(1)])
        await asyncio.sleep(300)
        assert queue.retrying == 1

    run_queue(work, story)
    waits = [round(b - a) for a, b in itertools.pairwise(began)]
    assert waits[:6] == [1, 2, 4, 8, 16, 32]
    assert set(waits[6:]) == {LONGEST_BACKOFF_S}


def test_the_queue_waits_as_long_as_retry_after_says() -> None:
    began: list[float] = []

    async def work(_: ObjectKey, __: bool) -> Result:
        began.append(asyncio.get_running_loop().time())
        if len(began) == 1:
            raise RetryError("too many requests", 30)
        return Result()

    async def story(queue: WorkQueue) -> None:
        queue.add([key(1)])
        await asyncio.sleep(100)
        assert queue.retrying == 0

    run_queue(work, story)
    assert began == [0, 30]


def test_the_queue_logs_and_retries_an_unexpected_error(caplog: pytest.LogCaptureFixture) -> None:
    began: list[float] = []

    async def work(_: ObjectKey, __: bool) -> Result:
        began.append(asyncio.get_running_loop().time())
        if len(began) == 1:
            raise KeyError("a bug")
        return Result()

    async def story(queue: WorkQueue) -> None:
        queue.add([key(1)])
        await asyncio.sleep(100)

    run_queue(work, story)
    assert began == [0, 1]
    assert "a bug" in caplog.text


def test_the_queue_requeues_a_key_after_the_time_in_its_result() -> None:
    began: list[float] = []

    async def work(_: ObjectKey, __: bool) -> Result:
        began.append(asyncio.get_running_loop().time())
        return Result(requeue_after_s=15) if len(began) < 3 else Result()

    async def story(queue: WorkQueue) -> None:
        queue.add([key(1)])
        await asyncio.sleep(100)

    run_queue(work, story)
    assert began == [0, 15, 30]


def test_the_queue_runs_low_priority_keys_when_it_is_not_busy() -> None:
    turns: list[tuple[ObjectKey, bool]] = []

    async def work(name: ObjectKey, busy: bool) -> Result:
        turns.append((name, busy))
        await asyncio.sleep(1)
        return Result(low_priority=busy)

    async def story(queue: WorkQueue) -> None:
        queue.add([key(1), key(2), key(3)])
        await asyncio.sleep(1.5)
        queue.add([key(1)])  # something happened to it in the meantime
        await asyncio.sleep(100)
        assert queue.depth == 0

    run_queue(work, story, workers=1)
    first = [(key(1), True), (key(2), True), (key(3), True)]
    assert turns == [*first, (key(1), False), (key(2), False), (key(3), False)]


@pytest.mark.parametrize("named_every_s", [1000, 10])
def test_the_queue_runs_low_priority_keys_in_bounded_time_even_if_busy(
    named_every_s: int,
) -> None:
    leisure_s: list[float] = []

    async def work(name: ObjectKey, busy: bool) -> Result:
        if name == key(0) and not busy:
            leisure_s.append(asyncio.get_running_loop().time())
        await asyncio.sleep(1)
        return Result(low_priority=name == key(0) and busy)

    async def story(queue: WorkQueue) -> None:
        queue.add([key(0)])
        for number in range(1, 90):
            queue.add([key(number), key(number + 1)])
            if number % named_every_s == 0:
                queue.add([key(0)])
            await asyncio.sleep(1)

    run_queue(work, story, workers=1)
    assert MAX_LOW_PRIORITY_S < leisure_s[0] <= MAX_LOW_PRIORITY_S + 2 * 10


def test_the_queue_runs_a_key_at_an_event_before_its_requeue() -> None:
    began: list[float] = []

    async def work(_: ObjectKey, __: bool) -> Result:
        began.append(asyncio.get_running_loop().time())
        return Result(requeue_after_s=50) if len(began) == 1 else Result()

    async def story(queue: WorkQueue) -> None:
        queue.add([key(1)])
        await asyncio.sleep(5)
        queue.add([key(1)])
        await asyncio.sleep(100)

    run_queue(work, story)
    assert began == [0, 5]


def test_the_queue_holds_all_keys_while_it_is_inactive() -> None:
    began: list[float] = []

    async def work(_: ObjectKey, __: bool) -> Result:
        began.append(asyncio.get_running_loop().time())
        return Result()

    async def story(queue: WorkQueue) -> None:
        queue.set_active(False)
        queue.add([key(1), key(2)])
        await asyncio.sleep(20)
        assert queue.depth == 2
        assert queue.oldest_s == 0  # no key is late
        queue.set_active(True)
        await asyncio.sleep(1)

    run_queue(work, story)
    assert began == [20, 20]


def test_the_queue_finishes_running_keys_and_starts_none_in_a_drain() -> None:
    ended: list[ObjectKey] = []

    async def work(name: ObjectKey, _: bool) -> Result:
        await asyncio.sleep(3)
        ended.append(name)
        return Result()

    async def story(queue: WorkQueue) -> None:
        queue.add([key(number) for number in range(5)])
        await asyncio.sleep(1)
        asyncio.get_running_loop().call_later(1, queue.set_active, True)
        await queue.drain(10)
        assert asyncio.get_running_loop().time() == 3
        await asyncio.sleep(20)

    run_queue(work, story)
    assert ended == [key(0), key(1)]


def test_the_queue_cancels_endless_work_at_the_end_of_a_drain_and_reports_its_age() -> None:
    async def work(_: ObjectKey, __: bool) -> Result:
        await asyncio.sleep(10_000)
        return Result()

    async def story(queue: WorkQueue) -> None:
        queue.add([key(1)])
        await asyncio.sleep(700)
        assert queue.oldest_s == 700
        await queue.drain(10)
        assert asyncio.get_running_loop().time() == 710

    run_queue(work, story)
