"""The poller group after any sequence of calls: each wanted key has one poller, and no other runs."""

import asyncio
from collections.abc import Callable
from functools import partial

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from rackwatt_exporter.polling.limits import ConcurrencyLimit
from rackwatt_exporter.polling.poller import Poller
from rackwatt_exporter.polling.poller_group import PollerGroup
from rackwatt_exporter.polling.ticks import Ticks
from tests.exporter.polling.test_poller import (
    QUICK,
    RecordingSink,
    Scripted,
    broken,
    fine,
    refusing,
    silent,
)
from tests.virtual_time import VirtualTimeLoop

KEYS = st.sampled_from("abc")
ANSWERS = st.sampled_from([fine, silent, refusing, broken])
SETTLED_S = 10.0  # longer than a source may take to close


class Made(Scripted):
    """A source that records whether it was closed during a read, or twice."""

    closings = 0
    closed_inside = False

    async def close(self) -> None:
        self.closings += 1
        self.closed_inside = self.inside > 0
        await super().close()


class AnyOrder(RuleBasedStateMachine):
    """`wanted` is the desired state: the identity of each key's source."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualTimeLoop()
        self.rounds: PollerGroup[str] = PollerGroup()
        self.wanted: dict[str, int] = {}
        self.made: dict[str, list[Made]] = {key: [] for key in "abc"}
        self.lane = asyncio.Semaphore(2)
        self.ticks = Ticks()

    def _go_on(self, for_s: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(for_s))

    @rule(key=KEYS, identity=st.integers(0, 2), answer=ANSWERS, hangs=st.booleans())
    def have(self, key: str, identity: int, answer: Callable[..., object], hangs: bool) -> None:
        before = len(self.made[key])
        fresh = self.wanted.get(key) != identity
        make = partial(self._make, key, answer, hangs)

        async def have() -> None:
            self.rounds.ensure(key, identity, QUICK, make)

        self.loop.run_until_complete(have())
        self.wanted[key] = identity
        assert len(self.made[key]) == before + fresh

    def _make(self, key: str, answer: Callable[..., object], hangs: bool) -> Poller[str]:
        source = Made(answer)  # type: ignore[arg-type]
        source.close_hangs = hangs
        self.made[key].append(source)
        return Poller(
            key,
            source,
            QUICK,
            (ConcurrencyLimit((self.lane,)), ConcurrencyLimit((self.lane,))),
            RecordingSink(),
            self.ticks,
        )

    @rule(kept=st.sets(KEYS))
    def keep(self, kept: set[str]) -> None:
        async def keep() -> None:
            self.rounds.retain(kept)

        self.loop.run_until_complete(keep())
        self.wanted = {key: each for key, each in self.wanted.items() if key in kept}

    @rule(for_s=st.sampled_from([0.0, 0.03, 0.2, 1.0]))
    def wait(self, for_s: float) -> None:
        self._go_on(for_s)

    @rule()
    def close(self) -> None:
        self.loop.run_until_complete(self.rounds.close())
        self.wanted = {}
        self._hold(settled=True)
        assert not asyncio.all_tasks(self.loop)

    @rule()
    def settle(self) -> None:
        self._go_on(SETTLED_S)
        self._hold(settled=True)

    def _hold(self, settled: bool) -> None:
        assert len(self.rounds) == len(self.wanted)
        for key, sources in self.made.items():
            running = [source for source in sources if not source.closings]
            if settled:
                assert running == (sources[-1:] if key in self.wanted else [])
            for source in sources:
                assert source.closings <= 1
                assert source.most_inside <= 1
                assert not source.closed_inside

    def teardown(self) -> None:
        self._hold(settled=False)
        self.close()
        assert self.lane._value == 2
        self.loop.close()


AnyOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
test_the_poller_group_runs_one_poller_for_each_wanted_key = AnyOrder.TestCase
