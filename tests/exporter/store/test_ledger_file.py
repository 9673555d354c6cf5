import asyncio
import json
import logging
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.store.ledger import EnergyAccount
from rackwatt_exporter.store.ledger_file import FILE, RETENTION_S, LedgerFile
from rackwatt_exporter.store.wrapping_counter import WrappingCounter

HEADER = b'{"version":2}\n'


def opened(directory: Path, now_s: float = 1010.0) -> LedgerFile:
    """Open the file of a directory at a time when no account of `used` is old."""
    return LedgerFile(directory, wall=lambda: now_s)


def used(joules: float = 0.0) -> EnergyAccount:
    account = EnergyAccount(joules)
    account.add(100, None, 0, 1000, 90)
    account.add(100, None, 10, 1010, 90)
    return account


async def test_the_ledger_keeps_counters_across_a_clean_restart_to_the_joule(
    tmp_path: Path,
) -> None:
    ledger = opened(tmp_path / "new")
    ledger.accounts["n1"] = used()
    await ledger.save(0)
    assert opened(tmp_path / "new").accounts["n1"].joules == 1000


async def test_the_ledger_never_counts_less_after_a_kill(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    ledger.accounts["n1"] = used()
    await ledger.save(20)
    account = ledger.accounts["n1"]
    account.add(100, None, 20, 1020, 90)
    account.add(9999, None, 30, 1030, 90)  # more than the ceiling foresaw
    assert account.served_joules < account.joules
    after = opened(tmp_path).accounts["n1"]
    assert after.joules >= account.served_joules
    assert after.covered_s >= account.served_covered_s == 30
    assert after.served_covered_s >= 30


async def test_the_ledger_is_written_whole_without_blocking_the_loop(
    tmp_path: Path,
) -> None:
    ledger = opened(tmp_path)
    ledger.accounts |= {f"n{number}": used(number) for number in range(5000)}
    saving = asyncio.create_task(ledger.save(20))
    turns = 0
    while not saving.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 5
    after = opened(tmp_path).accounts
    assert len(after) == 5000
    assert all(after[node].joules >= account.joules for node, account in ledger.accounts.items())
    assert all(account.ceiling_joules is not None for account in ledger.accounts.values())


async def test_the_ledger_logs_a_failed_write_and_counts_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    ledger = opened(tmp_path / "file")
    ledger.accounts["n1"] = used()
    ledger.accounts["n1"].ceiling_joules = 5.0
    await ledger.save(20)
    assert "cannot be kept" in caplog.text
    assert ledger.accounts["n1"].served_joules == 1000


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff",
        b'{"version":1,"accounts":{}}',
        b'{"version":3}\n{"accounts":{"a":{"joules":5}}}\n',
        HEADER + b'{"accounts":{"a":{"joules":"x"}}}\n',
        HEADER + b'{"accounts":{"a":{"joules":-5}}}\n',
        HEADER + b'{"accounts":{"a":{"joules":1e999}}}\n',
        HEADER + b'{"more":' + b"[" * 100_000 + b"\n",
    ],
)
def test_the_ledger_sets_an_unreadable_file_aside_and_reports_it(
    text: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).write_bytes(text)
    with caplog.at_level(logging.ERROR):
        assert LedgerFile(tmp_path).accounts == {}
    assert "ledger.unreadable" in caplog.text
    assert (tmp_path / "ledger.unreadable").read_bytes() == text


def test_the_ledger_loses_only_a_line_that_cannot_be_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lines = (b'{"accounts":{"a":{"joules":5.0}}}\n', b"garbage\n", b'{"counters":{"b":{}}}\n')
    (tmp_path / FILE).write_bytes(HEADER + b"".join(lines))
    ledger = opened(tmp_path)
    assert ledger.accounts["a"].joules == 5.0
    assert set(ledger.counters) == {"b"}
    assert "line 3" in caplog.text


async def test_the_ledger_appends_only_changed_accounts(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    ledger.accounts |= {f"n{number}": used(number) for number in range(100)}
    await ledger.save(20)
    before = (tmp_path / FILE).read_bytes()
    ledger.changed.add("n7")
    await ledger.save(20)
    appended = (tmp_path / FILE).read_bytes().removeprefix(before)
    assert list(json.loads(appended)["accounts"]) == ["n7"]
    await ledger.save(20)
    assert (tmp_path / FILE).read_bytes() == before + appended


async def test_the_ledger_bounds_its_file_to_a_multiple_of_its_content(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    ledger.accounts |= {f"n{number}": used(number) for number in range(500)}
    await ledger.save(20)
    whole = (tmp_path / FILE).stat().st_size
    for _ in range(40):
        ledger.changed |= ledger.accounts.keys()
        await ledger.save(20)
        assert (tmp_path / FILE).stat().st_size < 5.2 * whole
    assert set(opened(tmp_path).accounts) == set(ledger.accounts)


@given(st.integers(0, 10_000))
def test_the_ledger_never_loses_served_joules_if_a_save_is_cut_short(cut: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_cut_short(Path(folder), cut))


async def _cut_short(directory: Path, cut: int) -> None:
    ledger = opened(directory)
    ledger.accounts["n1"], ledger.counters["rapl/dram"] = used(), turned()
    await ledger.save(20)
    before = (directory / FILE).read_bytes()
    account, meter = ledger.accounts["n1"], ledger.counters["rapl/dram"]
    account.add(100, None, 20, 1020, 90)
    meter.update(2100.0, 65712.0, "boot", 30.0, 1020.0)
    served = account.served_joules, meter.served_joules  # the save is not on disk yet
    ledger.changed |= {"n1", "rapl/dram"}
    await ledger.save(20)
    appended = (directory / FILE).read_bytes().removeprefix(before)
    (directory / FILE).write_bytes(before + appended[: cut % (len(appended) + 1)])
    after = opened(directory)
    assert not (directory / "ledger.unreadable").exists()
    assert after.accounts["n1"].served_joules >= served[0]
    after.counters["rapl/dram"].update(
        2150.0, 65712.0, "boot", 31.0, 1021.0
    )  # it serves from then on
    assert after.counters["rapl/dram"].served_joules >= served[1]
    after.accounts["n1"].add(100, None, 5, 1100, 90)
    await after.save(20)
    assert set(opened(directory).accounts) == {"n1"}


async def test_the_ledger_drops_unused_accounts_after_their_retention(
    tmp_path: Path,
) -> None:
    ledger = opened(tmp_path, now_s=1010 + RETENTION_S)
    ledger.accounts |= {"old": used(), "wanted": used(), "never-read": EnergyAccount()}
    ledger.counters["rapl/dram"] = turned()
    await ledger.save(20, {"wanted"})
    assert set(ledger.accounts) == {"old", "wanted"}
    later = opened(tmp_path, now_s=1011 + RETENTION_S)
    await later.save(20, {"wanted"})
    after = opened(tmp_path)
    assert set(after.accounts) == {"wanted"}
    assert after.counters == {}


async def test_the_ledger_uses_the_retention_of_an_account(tmp_path: Path) -> None:
    ledger = LedgerFile(tmp_path, retention_s=60, wall=lambda: 1071.0)
    ledger.accounts["n1"] = used()
    await ledger.save(20)
    assert ledger.accounts == {}


async def test_the_ledger_writes_nothing_without_a_directory(tmp_path: Path) -> None:
    ledger = LedgerFile(None)
    ledger.accounts["n1"] = used()
    await ledger.save(20)
    assert ledger.accounts["n1"].ceiling_joules is None


def turned() -> WrappingCounter:
    meter = WrappingCounter()
    meter.update(100.0, 65712.0, "boot", 10.0, 1000.0)
    meter.update(1100.0, 65712.0, "boot", 20.0, 1010.0)
    return meter


async def test_the_ledger_keeps_counters_beside_the_accounts(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    ledger.accounts["n1"], ledger.counters["rapl/package-0"] = used(), turned()
    await ledger.save(0)
    after = opened(tmp_path)
    assert after.accounts["n1"].joules == 1000
    meter = after.counters["rapl/package-0"]
    meter.update(1600.0, 65712.0, "boot", 30.0, 1020.0)
    assert meter.joules == 1500.0


async def test_the_ledger_bounds_a_counter_by_its_ceiling_on_disk_if_there_is_one(
    tmp_path: Path,
) -> None:
    ledger = opened(tmp_path / "state")
    meter = ledger.counters["rapl/package-0"] = turned()
    await ledger.save(20)
    assert meter.ceiling_joules == 1000.0 + 500.0 * 20
    (tmp_path / "state" / FILE).unlink()  # as if the volume had been taken away
    ledger.changed.add("rapl/package-0")
    await ledger.save(20)
    assert meter.ceiling_joules is None


async def test_the_ledger_writes_no_file_without_accounts(tmp_path: Path) -> None:
    await opened(tmp_path / "state").save(20)
    assert list(tmp_path.iterdir()) == []
