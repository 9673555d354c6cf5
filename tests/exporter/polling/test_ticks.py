import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.polling.schedule import TICK_S
from rackwatt_exporter.polling.ticks import Ticks
from tests.virtual_time import run

DELAYS = st.floats(-1, 100)


@given(st.lists(DELAYS, max_size=8), st.floats(0, 100))
def test_each_sleeps_as_long_as_it_wants_to_the_closest_beat(
    delays: list[float], later_s: float
) -> None:
    async def story() -> None:
        beats, loop = Ticks(), asyncio.get_running_loop()

        async def one(delay_s: float) -> None:
            due_s = loop.time() + max(0.0, delay_s)
            await beats.sleep(delay_s)
            assert abs(loop.time() - due_s) <= TICK_S / 2 + 1e-6

        await asyncio.gather(*map(one, delays))
        await asyncio.sleep(later_s)
        await asyncio.gather(*map(one, delays))
        assert beats._waiting == {}

    run(story())


def test_those_of_one_beat_share_a_timer_and_a_cancelled_one_keeps_no_other_asleep() -> None:
    async def story() -> None:
        beats, loop = Ticks(), asyncio.get_running_loop()
        first, second = (asyncio.create_task(beats.sleep(1.0)) for _ in range(2))
        await asyncio.sleep(0)
        (waiting,) = beats._waiting.values()
        assert len(waiting) == 2
        first.cancel()
        await second
        assert loop.time() == pytest.approx(1.0, abs=TICK_S)
        assert first.cancelled()

    run(story())
