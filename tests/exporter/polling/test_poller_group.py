import asyncio
from contextlib import suppress
from dataclasses import replace
from functools import partial

from rackwatt_exporter.polling.limits import ConcurrencyLimit
from rackwatt_exporter.polling.poller import Poller
from rackwatt_exporter.polling.poller_group import MAX_CLOSING, PollerGroup
from rackwatt_exporter.polling.ticks import Ticks
from tests import virtual_time
from tests.eventually import PATIENCE_S, eventually
from tests.exporter.polling.test_poller import QUICK, RecordingSink, Scripted, fine, silent

LOOPS = ("attended",)


class ScriptedGroup:
    """A poller group over scripted sources, with every source that was ever created."""

    def __init__(self) -> None:
        self.rounds: PollerGroup[str] = PollerGroup()
        self.made: list[Scripted] = []
        self.sink = RecordingSink()
        self.pace = QUICK
        self.ticks = Ticks()

    def have(self, key: str, identity: str, answer: object = fine) -> None:
        self.rounds.ensure(key, identity, self.pace, partial(self._make, key, answer))

    def _make(self, key: str, answer: object) -> Poller[str]:
        self.made.append(Scripted(answer))  # type: ignore[arg-type]
        return Poller(
            key,
            self.made[-1],
            self.pace,
            (ConcurrencyLimit(()), ConcurrencyLimit(())),
            self.sink,
            self.ticks,
        )


async def test_the_poller_group_keeps_the_source_of_an_unchanged_key() -> None:
    scripted = ScriptedGroup()
    scripted.have("a", "one")
    scripted.have("a", "one")
    assert len(scripted.made) == 1
    await scripted.rounds.close()


async def test_the_poller_group_closes_and_recreates_a_changed_source() -> None:
    scripted = ScriptedGroup()
    scripted.have("a", "one")
    scripted.have("a", "two")
    await eventually(lambda: scripted.made[0].closed)
    await eventually(lambda: scripted.made[1].reads > 0)
    assert not scripted.made[1].closed
    await scripted.rounds.close()


async def test_the_poller_group_closes_a_removed_source_and_reads_it_no_more() -> None:
    scripted = ScriptedGroup()
    scripted.have("a", "one")
    scripted.have("b", "one")
    scripted.rounds.retain(["b"])
    await eventually(lambda: scripted.made[0].closed)
    assert len(scripted.rounds) == 1
    reads = scripted.made[0].reads
    await eventually(lambda: scripted.made[1].reads > 2)
    assert scripted.made[0].reads == reads
    await scripted.rounds.close()


async def test_the_poller_group_stops_reads_before_it_closes_every_source() -> None:
    scripted = ScriptedGroup()
    scripted.pace = replace(QUICK, timeout_s=60)
    for key in "abc":
        scripted.have(key, "one", silent)
    await eventually(lambda: all(source.inside for source in scripted.made))
    async with asyncio.timeout(PATIENCE_S):
        await scripted.rounds.close()
    assert all(source.closed and not source.inside for source in scripted.made)


async def test_the_poller_group_reads_a_source_that_swallows_its_cancellation_no_more() -> None:
    async def deaf() -> str:
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return "late"

    scripted = ScriptedGroup()
    scripted.pace = replace(QUICK, timeout_s=60)
    scripted.have("a", "one", deaf)
    await eventually(lambda: scripted.made[0].inside > 0)
    async with asyncio.timeout(PATIENCE_S):
        await scripted.rounds.close()
    assert scripted.made[0].reads == 1
    assert scripted.made[0].closed


async def test_the_poller_group_closes_all_sources_a_bounded_number_at_once() -> None:
    scripted, inside, most = ScriptedGroup(), 0, 0

    async def close(source: Scripted) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.001)
        inside -= 1
        source.closed = True

    for number in range(3 * MAX_CLOSING):
        scripted.have(str(number), "one", silent)
    for source in scripted.made:
        source.close = partial(close, source)  # type: ignore[method-assign]
    async with asyncio.timeout(PATIENCE_S):
        await scripted.rounds.close()
    assert most == MAX_CLOSING
    assert all(source.closed for source in scripted.made)


def test_the_poller_group_closes_many_silent_sources_in_bounded_time() -> None:
    async def story() -> None:
        scripted = ScriptedGroup()
        for number in range(20 * MAX_CLOSING):
            scripted.have(str(number), "one", silent)
            scripted.made[-1].close_hangs = True
        began_s = asyncio.get_running_loop().time()
        await scripted.rounds.close()
        assert all(source.closed for source in scripted.made)
        assert asyncio.get_running_loop().time() - began_s < 15

    virtual_time.run(story())
