"""Faults of the exporter itself: killed and started again, its clock set back.

The command runs as a process of its own; pages before and after are held to be one story.
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.eventually import PATIENCE_S
from tests.exporter.commands.exporter_process import Running, running
from tests.exporter.faults.faulty_fleet import FaultyFleet, MetricsPage, Watch
from tests.exporter.running_exporter import rewrite

LOOPS = ("uvloop",)
# The ledger keeps room for twice the watts until the save after next, and 1000 J (ledger.py).
RESERVE_S = 4.0 + 1000 / 300


@pytest.fixture
async def fleet(tmp_path: Path) -> AsyncIterator[FaultyFleet]:
    async with FaultyFleet(tmp_path, timeout_s=30) as made:
        yield made


class Story:
    """A watch that goes on from one process to the next."""

    def __init__(self, fleet: FaultyFleet) -> None:
        self.fleet = fleet
        self.process: Running | None = None
        site: Any = SimpleNamespace(text=self._text)
        self.watch = Watch(fleet, site, set())

    async def _text(self) -> str:
        assert self.process is not None
        return await asyncio.to_thread(self.process.get, "/metrics")

    @asynccontextmanager
    async def started(self, **environment: str) -> AsyncIterator[Running]:
        arguments = (
            "run",
            f"--config.file={self.fleet.directory}/fleet.yaml",
            f"--secrets.directory={self.fleet.directory}/secrets",
            f"--state.directory={self.fleet.directory}/state",
            "--web.listen-address=127.0.0.1:0",
        )
        with running(*arguments, **environment) as process:
            await asyncio.to_thread(lambda: process.url)
            self.process = process
            yield process

    async def until(self, predicate: Callable[[MetricsPage], bool]) -> MetricsPage:
        """Scrape pages until one fulfils a predicate."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not predicate(
            seen := MetricsPage(requested_s=time.monotonic(), text=await self._text())
        ):
            self.watch.look(seen)
            assert time.monotonic() < deadline_s, seen.text
            await asyncio.sleep(0.03)
        self.watch.look(seen)
        return seen


def all_have(fleet: FaultyFleet, joules: float) -> Callable[[MetricsPage], bool]:
    """Match a page on which every machine whose BMC has no counter has so many joules."""
    integrated = [name for name in fleet.machines if "redfish" not in name]
    return lambda seen: (
        all(map(seen.up, fleet.machines))
        and all((seen.joules(name) or 0) >= joules for name in integrated)
    )


async def test_killed_and_started_again_no_counter_falls_and_no_session_is_left_beyond_the_killed(
    fleet: FaultyFleet,
) -> None:
    story = Story(fleet)
    for joules in (300, 2000):
        async with story.started() as process:
            await story.until(all_have(fleet, joules))
            process.process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(process.process.wait)
            story.watch.reserve_s += RESERVE_S
    async with story.started() as process:
        await story.until(all_have(fleet, 3500))
        assert await asyncio.to_thread(process.stop) == 0
    bmcs = [name for name in fleet.machines if "snmp" not in name]
    # Only the process that opened a session can close it: two processes were killed.
    assert {fleet.sessions(name) for name in bmcs} == {2}


def all_are_read(times: dict[str, float]) -> Callable[[MetricsPage], bool]:
    return lambda seen: all(seen.reads(name) >= n and seen.up(name) for name, n in times.items())


async def test_a_clock_that_is_set_back_changes_no_reading_and_no_counter(
    fleet: FaultyFleet,
) -> None:
    story = Story(fleet)
    off_by = fleet.directory / "off-by"
    off_by.write_text("0")
    environment = {
        "PYTHONPATH": str(Path(__file__).parent / "clock"),
        "CLOCK_OFF_BY": str(off_by),
    }
    async with story.started(**environment) as process:
        before = await story.until(all_have(fleet, 300))
        for hours in (48, -1):
            rewrite(off_by, str(hours * 3600))  # it is read at any moment
            wanted = {name: before.reads(name) + 3 for name in fleet.machines}
            before = await story.until(all_are_read(wanted))
            assert not before.errors
        assert await asyncio.to_thread(process.stop) == 0
    off_by.write_text(str(-72 * 3600))
    async with story.started(**environment) as process:
        await story.until(all_have(fleet, 1000))
        assert await asyncio.to_thread(process.stop) == 0
