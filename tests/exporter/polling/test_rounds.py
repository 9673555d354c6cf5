import asyncio
from dataclasses import replace
from functools import partial

from rackwatt_exporter.polling.gate import Gate
from rackwatt_exporter.polling.poller import Poller
from rackwatt_exporter.polling.rounds import Rounds
from tests.exporter.polling.test_poller import QUICK, Desk, Scripted, fine, silent, until


class House:
    """Rounds over scripted sources, with every source that was ever made."""

    def __init__(self) -> None:
        self.rounds: Rounds[str] = Rounds()
        self.made: list[Scripted] = []
        self.desk = Desk()
        self.pace = QUICK

    def have(self, key: str, identity: str, answer: object = fine) -> None:
        self.rounds.have(key, identity, self.pace, partial(self._make, key, answer))

    def _make(self, key: str, answer: object) -> Poller[str]:
        self.made.append(Scripted(answer))  # type: ignore[arg-type]
        return Poller(key, self.made[-1], self.pace, (Gate(()), Gate(())), self.desk)


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
    await until(lambda: house.made[0].closed)
    await until(lambda: house.made[1].asked > 0)
    assert not house.made[1].closed
    await house.rounds.close()


async def test_what_is_no_longer_wanted_is_closed_and_asked_no_more() -> None:
    house = House()
    house.have("a", "one")
    house.have("b", "one")
    house.rounds.keep(["b"])
    await until(lambda: house.made[0].closed)
    assert len(house.rounds) == 1
    asked = house.made[0].asked
    await until(lambda: house.made[1].asked > 2)
    assert house.made[0].asked == asked
    await house.rounds.close()


async def test_closing_stops_reading_first_and_closes_every_source() -> None:
    house = House()
    house.pace = replace(QUICK, timeout_s=60)
    for key in "abc":
        house.have(key, "one", silent)
    await until(lambda: all(source.inside for source in house.made))
    async with asyncio.timeout(5):
        await house.rounds.close()
    assert all(source.closed and not source.inside for source in house.made)
