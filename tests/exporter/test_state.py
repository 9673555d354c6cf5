import asyncio
import logging
from pathlib import Path

import pytest

from rackwatt_exporter.ledger import Account
from rackwatt_exporter.meter import Meter
from rackwatt_exporter.state import FILE, LedgerFile


def used(joules: float = 0.0) -> Account:
    account = Account(joules)
    account.add(100, None, 0, 1000, 90)
    account.add(100, None, 10, 1010, 90)
    return account


async def test_counters_survive_a_clean_restart_to_the_joule(tmp_path: Path) -> None:
    ledger = LedgerFile(tmp_path / "new")
    ledger.accounts["n1"] = used()
    await ledger.save(0)
    assert LedgerFile(tmp_path / "new").accounts["n1"].joules == 1000


async def test_a_killed_process_is_followed_by_one_that_counts_no_less(tmp_path: Path) -> None:
    ledger = LedgerFile(tmp_path)
    ledger.accounts["n1"] = used()
    await ledger.save(20)
    account = ledger.accounts["n1"]
    account.add(100, None, 20, 1020, 90)
    account.add(9999, None, 30, 1030, 90)  # more than the ceiling foresaw
    assert account.served_joules < account.joules
    after = LedgerFile(tmp_path).accounts["n1"]
    assert after.joules >= account.served_joules
    assert after.covered_s >= account.served_covered_s == 30
    assert after.served_covered_s >= 30


async def test_a_large_ledger_is_written_whole_and_leaves_the_loop_its_turns(
    tmp_path: Path,
) -> None:
    ledger = LedgerFile(tmp_path)
    ledger.accounts |= {f"n{number}": used(number) for number in range(5000)}
    saving = asyncio.create_task(ledger.save(20))
    turns = 0
    while not saving.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 5
    after = LedgerFile(tmp_path).accounts
    assert len(after) == 5000
    assert all(after[node].joules >= account.joules for node, account in ledger.accounts.items())
    assert all(account.ceiling_joules is not None for account in ledger.accounts.values())


async def test_a_ledger_that_cannot_be_written_is_told_and_freezes_no_counter(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    ledger = LedgerFile(tmp_path / "file")
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
        b'{"version":1,"accounts":{"a":{"joules":"x"}}}',
        b"\xff",
        b'{"version":1,"accounts":{},"more":' + b"[" * 100_000,
        b'{"version":2,"accounts":{}}',
        b'{"version":1,"accounts":{"a":{"joules":-5}}}',
        b'{"version":1,"accounts":{"a":{"joules":1e999}}}',
    ],
)
def test_a_file_that_cannot_be_read_is_set_aside_and_told(
    text: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).write_bytes(text)
    with caplog.at_level(logging.ERROR):
        assert LedgerFile(tmp_path).accounts == {}
    assert "ledger.unreadable" in caplog.text
    assert (tmp_path / "ledger.unreadable").read_bytes() == text


async def test_without_a_directory_nothing_is_written(tmp_path: Path) -> None:
    ledger = LedgerFile(None)
    ledger.accounts["n1"] = used()
    await ledger.save(20)
    assert ledger.accounts["n1"].ceiling_joules is None


def turned() -> Meter:
    meter = Meter()
    meter.turn(100.0, 65712.0, "boot", 10.0)
    meter.turn(1100.0, 65712.0, "boot", 20.0)
    return meter


async def test_meters_are_kept_beside_the_accounts(tmp_path: Path) -> None:
    ledger = LedgerFile(tmp_path)
    ledger.accounts["n1"], ledger.meters["rapl/package-0"] = used(), turned()
    await ledger.save(0)
    after = LedgerFile(tmp_path)
    assert after.accounts["n1"].joules == 1000
    meter = after.meters["rapl/package-0"]
    meter.turn(1600.0, 65712.0, "boot", 30.0)
    assert meter.joules == 1500.0


async def test_a_meter_is_bounded_by_what_is_on_disk_and_freed_when_nothing_is(
    tmp_path: Path,
) -> None:
    ledger = LedgerFile(tmp_path / "state")
    meter = ledger.meters["rapl/package-0"] = turned()
    await ledger.save(20)
    assert meter.ceiling_joules == 1000.0 + 500.0 * 20
    (tmp_path / "state/ledger.json.new").mkdir()  # where the next one would be written
    await ledger.save(20)
    assert meter.ceiling_joules is None


def test_a_ledger_of_before_there_were_meters_is_read(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"version":1,"accounts":{"n1":{"joules":5.0}}}')
    after = LedgerFile(tmp_path)
    assert (after.accounts["n1"].joules, after.meters) == (5.0, {})


async def test_with_nothing_to_keep_nothing_is_written(tmp_path: Path) -> None:
    await LedgerFile(tmp_path / "state").save(20)
    assert list(tmp_path.iterdir()) == []
