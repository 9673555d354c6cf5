"""What the kernel reports of directories and files, by its own inotify."""

import asyncio
from collections.abc import Collection
from pathlib import Path

import pytest

from rackwatt_exporter.units import births as module
from rackwatt_exporter.units.births import Births
from tests.eventually import PATIENCE_S


class Heard:
    """Paths that were reported."""

    def __init__(self) -> None:
        self.paths: set[str | None] = set()
        self.births = Births(self.changed)
        self._more = asyncio.Event()

    def changed(self, paths: Collection[str | None]) -> None:
        self.paths.update(paths)
        self._more.set()

    async def until(self, *paths: str | None) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not self.paths.issuperset(paths):
                self._more.clear()
                await self._more.wait()


async def test_births_and_deaths_in_a_directory_are_reported(tmp_path: Path) -> None:
    heard = Heard()
    heard.births.start()
    heard.births.watch_directory(str(tmp_path))
    (tmp_path / "job_1").mkdir()
    await heard.until(f"{tmp_path}/job_1")
    heard.paths.clear()
    (tmp_path / "job_1").rmdir()
    await heard.until(f"{tmp_path}/job_1")
    heard.births.close()


async def test_a_change_of_a_file_is_reported_until_it_is_forgotten(tmp_path: Path) -> None:
    heard = Heard()
    heard.births.start()
    one, other = tmp_path / "one", tmp_path / "other"
    for file in (one, other):
        file.write_text("populated 1\n")
        heard.births.watch_file(str(file))
    one.write_text("populated 0\n")
    await heard.until(str(one))
    heard.paths.clear()
    heard.births.forget(str(one))
    one.write_text("populated 1\n")
    other.write_text("populated 0\n")
    await heard.until(str(other))
    assert str(one) not in heard.paths
    heard.births.close()


async def test_a_directory_that_comes_again_can_be_watched_again(tmp_path: Path) -> None:
    heard = Heard()
    heard.births.start()
    directory = tmp_path / "scope"
    for _ in range(2):
        directory.mkdir()
        heard.births.watch_directory(str(directory))
        (directory / "job_1").mkdir()
        await heard.until(f"{directory}/job_1")
        heard.paths.clear()
        (directory / "job_1").rmdir()
        directory.rmdir()
        await heard.until(f"{directory}/job_1")
        async with asyncio.timeout(PATIENCE_S):
            while heard.births.is_watched(str(directory)):
                await asyncio.sleep(0.005)
        heard.paths.clear()
    heard.births.close()


def test_lost_events_are_reported_as_such() -> None:
    heard: list[Collection[str | None]] = []
    births = Births(heard.append)
    overflow = module.HEADER.pack(-1, module.OVERFLOW, 0, 0)
    assert set(births.touched(overflow)) == {None}


async def test_without_inotify_there_is_a_warning_and_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import ctypes

    def refused(*_: object, **__: object) -> None:
        raise OSError("no libc")

    monkeypatch.setattr(ctypes, "CDLL", refused)
    births = Births(lambda paths: None)
    births.start()
    births.watch_directory(str(tmp_path))
    assert "no inotify" in caplog.text
    births.close()


async def test_what_has_changed_is_reported_on_request_before_the_loop_does(tmp_path: Path) -> None:
    heard = Heard()
    heard.births.report()
    heard.births.start()
    heard.births.watch_directory(str(tmp_path))
    heard.births.report()
    assert heard.paths == set()
    for number in range(3000):  # more than are read at once
        (tmp_path / f"job_{number:0100}").mkdir()
    heard.births.report()
    assert len(heard.paths) == 3000
    heard.births.close()
