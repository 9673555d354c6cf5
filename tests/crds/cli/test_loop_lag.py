"""The event loop lag, on a loop whose time passes as a test says."""

import asyncio
from typing import cast

from rackwatt_crds.cli.loop_lag import TICK_S, WINDOW_S, LoopLagMonitor
from tests.virtual_time import VirtualTimeLoop, run


async def lag_after(blocked_s: float, then_s: float) -> float:
    """Return the lag some time after a callback that took long."""
    monitor = LoopLagMonitor()
    task = asyncio.create_task(monitor.run())
    await asyncio.sleep(TICK_S / 2)
    cast(VirtualTimeLoop, asyncio.get_running_loop()).pass_time(blocked_s)
    await asyncio.sleep(then_s)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return monitor.lag_s


def test_the_lag_of_a_loop_that_keeps_up_is_zero() -> None:
    assert run(lag_after(0, 5)) == 0


def test_the_lag_is_how_late_a_timer_fires_and_is_kept_for_the_window() -> None:
    expected_s = 3 - TICK_S / 2
    assert run(lag_after(3, 1)) == expected_s
    assert run(lag_after(3, WINDOW_S - 2)) == expected_s


def test_the_lag_is_forgotten_after_the_window() -> None:
    assert run(lag_after(3, WINDOW_S + 2)) == 0
