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
from tests.exporter.faults.faulty_fleet import Seen, Ward, Watch
from tests.exporter.running_exporter import rewrite

LOOPS = ("uvloop",)
# The ledger keeps room for twice the watts until the save after next, and 1000 J (ledger.py).
RESERVE_S = 4.0 + 1000 / 300


@pytest.fixture
async def ward(tmp_path: Path) -> AsyncIterator[Ward]:
    async with Ward(tmp_path, timeout_s=30) as made:
        yield made


class Story:
    """A watch that goes on from one process to the next."""

    def __init__(self, ward: Ward) -> None:
        self.ward = ward
        self.process: Running | None = None
        site: Any = SimpleNamespace(text=self._text)
        self.watch = Watch(ward, site, set())

    async def _text(self) -> str:
        assert self.process is not None
        return await asyncio.to_thread(self.process.get, "/metrics")

    @asynccontextmanager
    async def started(self, **environment: str) -> AsyncIterator[Running]:
        arguments = (
            "run",
            f"--config.file={self.ward.directory}/ward.yaml",
            f"--secrets.directory={self.ward.directory}/secrets",
            f"--state.directory={self.ward.directory}/state",
            "--web.listen-address=127.0.0.1:0",
        )
        with running(*arguments, **environment) as process:
            await asyncio.to_thread(lambda: process.url)
            self.process = process
            yield process

    async def until(self, predicate: Callable[[Seen], bool]) -> Seen:
        """Scrape pages until one fulfils a predicate."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not predicate(seen := Seen(requested_s=time.monotonic(), text=await self._text())):
            self.watch.look(seen)
            assert time.monotonic() < deadline_s, seen.text
            await asyncio.sleep(0.03)
        self.watch.look(seen)
        return seen


def all_have(ward: Ward, joules: float) -> Callable[[Seen], bool]:
    """Match a page on which every machine whose BMC has no counter has so many joules."""
    integrated = [name for name in ward.machines if "redfish" not in name]
    return lambda seen: (
        all(map(seen.up, ward.machines))
        and all((seen.joules(name) or 0) >= joules for name in integrated)
    )


async def test_killed_and_started_again_no_counter_falls_and_no_session_is_left_beyond_the_killed(
    ward: Ward,
) -> None:
    story = Story(ward)
    for joules in (300, 2000):
        async with story.started() as process:
            await story.until(all_have(ward, joules))
            process.process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(process.process.wait)
            story.watch.reserve_s += RESERVE_S
    async with story.started() as process:
        await story.until(all_have(ward, 3500))
        assert await asyncio.to_thread(process.stop) == 0
    bmcs = [name for name in ward.machines if "snmp" not in name]
    # Only the process that opened a session can close it: two processes were killed.
    assert {ward.sessions(name) for name in bmcs} == {2}


def all_are_read(times: dict[str, float]) -> Callable[[Seen], bool]:
    return lambda seen: all(seen.reads(name) >= n and seen.up(name) for name, n in times.items())


async def test_a_clock_that_is_set_back_changes_no_reading_and_no_counter(ward: Ward) -> None:
    story = Story(ward)
    off_by = ward.directory / "off-by"
    off_by.write_text("0")
    environment = {
        "PYTHONPATH": str(Path(__file__).parent / "clock"),
        "CLOCK_OFF_BY": str(off_by),
    }
    async with story.started(**environment) as process:
        before = await story.until(all_have(ward, 300))
        for hours in (48, -1):
            rewrite(off_by, str(hours * 3600))  # it is read at any moment
            wanted = {name: before.reads(name) + 3 for name in ward.machines}
            before = await story.until(all_are_read(wanted))
            assert not before.errors
        assert await asyncio.to_thread(process.stop) == 0
    off_by.write_text(str(-72 * 3600))
    async with story.started(**environment) as process:
        await story.until(all_have(ward, 1000))
        assert await asyncio.to_thread(process.stop) == 0
