import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.polling.schedule import TICK_S
from rackwatt_exporter.polling.ticks import Ticks, Timeout
from tests.virtual_time import VirtualTimeLoop, run

DELAYS = st.floats(-1, 100)
READS_S = st.lists(st.floats(0, 3), min_size=1, max_size=6)


@given(st.lists(DELAYS, max_size=8), st.floats(0, 100))
def test_ticks_let_each_sleep_as_long_as_it_wants_to_the_closest_tick(
    delays: list[float], later_s: float
) -> None:
    async def story() -> None:
        ticks, loop = Ticks(), asyncio.get_running_loop()

        async def one(delay_s: float) -> None:
            due_s = loop.time() + max(0.0, delay_s)
            await ticks.sleep(delay_s)
            assert abs(loop.time() - due_s) <= TICK_S / 2 + 1e-6

        await asyncio.gather(*map(one, delays))
        await asyncio.sleep(later_s)
        await asyncio.gather(*map(one, delays))
        assert ticks._ticks == {}

    run(story())


def test_ticks_share_a_timer_and_a_cancelled_sleep_keeps_no_other_waiting() -> None:
    async def story() -> None:
        ticks, loop = Ticks(), asyncio.get_running_loop()
        first, second = (asyncio.create_task(ticks.sleep(1.0)) for _ in range(2))
        await asyncio.sleep(0)
        (tick,) = ticks._ticks.values()
        assert len(tick.sleeping) == 2
        first.cancel()
        await second
        assert loop.time() == pytest.approx(1.0, abs=TICK_S)
        assert first.cancelled()

    run(story())


@given(READS_S, st.floats(TICK_S, 2))
def test_a_timeout_interrupts_what_takes_longer_at_most_a_tick_later(
    reads_s: list[float], timeout_s: float
) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        timeout = Timeout(Ticks())
        for read_s in reads_s:
            began_s = loop.time()
            try:
                with timeout.after(timeout_s):
                    await asyncio.sleep(read_s)
            except TimeoutError:
                assert timeout_s - 1e-6 <= loop.time() - began_s <= timeout_s + TICK_S + 1e-6
                assert read_s >= timeout_s - 1e-6
            else:
                assert read_s <= timeout_s + TICK_S + 1e-6
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await asyncio.sleep(timeout_s + TICK_S)  # nothing of it is left to interrupt this

    run(story())


@given(cancelled_s=st.floats(0, 2), timeout_s=st.floats(TICK_S, 2))
def test_a_timeout_leaves_a_cancellation_from_outside_to_the_task(
    cancelled_s: float, timeout_s: float
) -> None:
    async def story() -> None:
        async def read() -> str:
            try:
                with Timeout(Ticks()).after(timeout_s):
                    await asyncio.Event().wait()
            except TimeoutError:
                await asyncio.sleep(10)
            return "never"

        task = asyncio.create_task(read())
        await asyncio.sleep(cancelled_s)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelling() == 1

    run(story())


@given(
    held_up_s=st.floats(0, 5), own_s=st.floats(0, 1), read_s=st.floats(0, 4), ends_s=st.floats(0, 2)
)
def test_a_block_with_a_deadline_of_its_own_ends_by_that_one_however_late_the_loop_is(
    held_up_s: float, own_s: float, read_s: float, ends_s: float
) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()

        async def read() -> str:
            try:
                async with asyncio.timeout(own_s):
                    await asyncio.sleep(read_s)
            except TimeoutError:
                await asyncio.sleep(ends_s)  # as a process that is killed and reaped
                return "its own words"
            return "read"

        assert isinstance(loop, VirtualTimeLoop)
        loop.call_later(own_s / 2, loop.pass_time, held_up_s)
        with Timeout(Ticks()).after(1.0, grace_s=2.1):
            assert await read() in ("its own words", "read")
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await asyncio.sleep(10)  # nothing of it is left to interrupt this

    run(story())


def test_a_block_without_end_is_interrupted_after_the_grace() -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(TimeoutError), Timeout(Ticks()).after(1.0, grace_s=2.0):
            await asyncio.Event().wait()
        assert loop.time() == pytest.approx(3.0, abs=2 * TICK_S)

    run(story())


def test_a_timeout_and_a_cancellation_at_once_cancel_the_task() -> None:
    async def story() -> None:
        async def read(timeout: Timeout) -> None:
            with timeout.after(1.0):
                await asyncio.Event().wait()

        timeout = Timeout(Ticks())
        task = asyncio.create_task(read(timeout))
        await asyncio.sleep(0.5)
        task.cancel()
        timeout.expire()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(story())


def test_a_timeout_passes_on_what_else_the_block_raises() -> None:
    async def story() -> None:
        timeout = Timeout(Ticks())
        with pytest.raises(KeyError), timeout.after(1.0):
            raise KeyError
        with pytest.raises(KeyError), timeout.after(1.0):
            try:
                await asyncio.sleep(5)
            except asyncio.CancelledError:
                raise KeyError from None
        with timeout.after(1.0):  # and it can be used once more
            await asyncio.sleep(0.5)

    run(story())
