import asyncio
from contextlib import suppress
from dataclasses import replace
from functools import partial

from rackwatt_exporter.polling.limits import ConcurrencyLimit
from rackwatt_exporter.polling.poller import Poller
from rackwatt_exporter.polling.poller_group import CLOSING_AT_ONCE, PollerGroup
from tests import virtual_time
from tests.eventually import PATIENCE_S, eventually
from tests.exporter.polling.test_poller import QUICK, Desk, Scripted, fine, silent

LOOPS = ("attended",)


class House:
    """Rounds over scripted sources, with every source that was ever made."""

    def __init__(self) -> None:
        self.rounds: PollerGroup[str] = PollerGroup()
        self.made: list[Scripted] = []
        self.desk = Desk()
        self.pace = QUICK

    def have(self, key: str, identity: str, answer: object = fine) -> None:
        self.rounds.have(key, identity, self.pace, partial(self._make, key, answer))

    def _make(self, key: str, answer: object) -> Poller[str]:
        self.made.append(Scripted(answer))  # type: ignore[arg-type]
        return Poller(
            key, self.made[-1], self.pace, (ConcurrencyLimit(()), ConcurrencyLimit(())), self.desk
        )


async def test_what_stayed_the_same_keeps_its_source() -> None:
    house = House()
    house.have("a", "one")
    house.have("a", "one")
    assert len(house.made) == 1
    await house.rounds.close()


async def test_what_changed_is_closed_and_made_anew() -> None:
    house = House()
    house.have("a", "one")
    house.have("a", "two")
    await eventually(lambda: house.made[0].closed)
    await eventually(lambda: house.made[1].asked > 0)
    assert not house.made[1].closed
    await house.rounds.close()


async def test_what_is_no_longer_wanted_is_closed_and_asked_no_more() -> None:
    house = House()
    house.have("a", "one")
    house.have("b", "one")
    house.rounds.keep(["b"])
    await eventually(lambda: house.made[0].closed)
    assert len(house.rounds) == 1
    asked = house.made[0].asked
    await eventually(lambda: house.made[1].asked > 2)
    assert house.made[0].asked == asked
    await house.rounds.close()


async def test_closing_stops_reading_first_and_closes_every_source() -> None:
    house = House()
    house.pace = replace(QUICK, timeout_s=60)
    for key in "abc":
        house.have(key, "one", silent)
    await eventually(lambda: all(source.inside for source in house.made))
    async with asyncio.timeout(PATIENCE_S):
        await house.rounds.close()
    assert all(source.closed and not source.inside for source in house.made)


async def test_a_source_that_swallows_its_cancellation_is_asked_no_more() -> None:
    async def deaf() -> str:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return "late"

    house = House()
    house.pace = replace(QUICK, timeout_s=60)
    house.have("a", "one", deaf)
    await eventually(lambda: house.made[0].inside > 0)
    async with asyncio.timeout(PATIENCE_S):
        await house.rounds.close()
    assert house.made[0].asked == 1
    assert house.made[0].closed


async def test_no_more_than_some_hundreds_are_closed_at_once_and_all_are() -> None:
    house, inside, most = House(), 0, 0

    async def close(source: Scripted) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.001)
        inside -= 1
        source.closed = True

    for number in range(3 * CLOSING_AT_ONCE):
        house.have(str(number), "one", silent)
    for source in house.made:
        source.close = partial(close, source)  # type: ignore[method-assign]
    async with asyncio.timeout(PATIENCE_S):
        await house.rounds.close()
    assert most == CLOSING_AT_ONCE
    assert all(source.closed for source in house.made)


def test_whoever_waits_for_its_turn_to_close_behind_the_silent_does_not_wait_for_long() -> None:
    async def story() -> None:
        house = House()
        for number in range(20 * CLOSING_AT_ONCE):
            house.have(str(number), "one", silent)
            house.made[-1].close_hangs = True
        began_s = asyncio.get_running_loop().time()
        await house.rounds.close()
        assert all(source.closed for source in house.made)
        assert asyncio.get_running_loop().time() - began_s < 15

    virtual_time.run(story())
