"""The queue on a clock of its own: whose turn it is, and when again."""

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


def test_events_of_a_name_that_come_while_it_is_worked_on_are_one() -> None:
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
def test_no_name_is_worked_on_twice_at_a_time_and_none_is_forgotten(
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


def test_what_fails_comes_back_after_a_while_that_doubles_up_to_a_minute() -> None:
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


def test_a_server_that_asks_for_patience_gets_it() -> None:
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


def test_a_bug_in_the_work_is_told_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
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


def test_work_may_ask_to_be_called_again() -> None:
    began: list[float] = []

    async def work(_: ObjectKey, __: bool) -> Result:
        began.append(asyncio.get_running_loop().time())
        return Result(requeue_after_s=15) if len(began) < 3 else Result()

    async def story(queue: WorkQueue) -> None:
        queue.add([key(1)])
        await asyncio.sleep(100)

    run_queue(work, story)
    assert began == [0, 15, 30]


def test_what_is_not_pressing_waits_until_nothing_else_does() -> None:
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
def test_others_that_never_cease_to_press_are_not_waited_for_without_end(
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


def test_an_event_comes_before_the_next_try() -> None:
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


def test_who_does_not_lead_works_on_nothing_and_forgets_nothing() -> None:
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


def test_draining_lets_work_end_and_begins_none_whoever_leads() -> None:
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


def test_work_that_does_not_end_is_cut_short_and_was_seen_to_be_late() -> None:
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
