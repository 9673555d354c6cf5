"""The ledger on disk, so that counters survive a restart: one small file, written whole.

It is written beside and renamed over, so that a reader, and the next start after a power cut, find
either the old one or the new one. Ceilings are raised on disk first and in memory after, never the
other way round (ledger.py says why).
"""

import asyncio
import logging
import os
from pathlib import Path
from typing import Literal

import msgspec

from rackwatt_exporter.ledger import Account
from rackwatt_exporter.meter import Meter

log = logging.getLogger(__name__)

FILE = "ledger.json"
_AT_A_TIME = 1000  # some milliseconds


class _File(msgspec.Struct):
    version: Literal[1]
    accounts: dict[str, Account]
    meters: dict[str, Meter] = {}


class LedgerFile:
    """The accounts of all targets and counters, those gone among them, and the file they are in.

    Without a directory they last as long as the process does.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        stored = _load(directory) if directory else _File(1, {})
        self.accounts = stored.accounts
        self.meters = stored.meters

    async def save(self, for_s: float) -> None:
        """Write the ledger with room for the time until the next save; 0 is the last one.

        Accounts are taken some at a time: the ledger of a large fleet would hold up the loop.
        Where there is nothing to keep, as with schedulers alone, the disk is left in peace.
        """
        if self._directory is None or not (self.accounts or self.meters):
            return
        raised: dict[str, Account] = {}
        parts: list[bytes] = []
        nodes = list(self.accounts)
        for start in range(0, len(nodes), _AT_A_TIME):
            some = nodes[start : start + _AT_A_TIME]
            part = {node: self.accounts[node].raised(for_s) for node in some}
            parts.append(msgspec.json.encode(part)[1:-1])
            raised |= part
            await asyncio.sleep(0)
        meters = {name: meter.raised(for_s) for name, meter in self.meters.items()}
        kept = True
        try:
            await asyncio.to_thread(_write, self._directory, parts, msgspec.json.encode(meters))
        except OSError as error:
            log.error("the ledger cannot be kept in %s: %s", self._directory, error)
            kept = False  # no ceilings: a frozen counter would be worse
        for node, account in raised.items():
            self.accounts[node].take_ceilings(account if kept else None)
        for name, meter in meters.items():
            self.meters[name].take_ceilings(meter if kept else None)


def _load(directory: Path) -> _File:
    """Read the accounts of the last run; none if there was none.

    A file that cannot be read is set aside, not overwritten: its joules may still be told by hand.
    """
    path = directory / FILE
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=_File)
    except (FileNotFoundError, NotADirectoryError):  # of a file in its place, saving tells
        return _File(1, {})
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        aside = path.with_suffix(".unreadable")
        log.error("%s cannot be read and is kept as %s: %s", path, aside.name, error)
        os.replace(path, aside)
        return _File(1, {})
    for account in stored.accounts.values():
        account.resume()
    for meter in stored.meters.values():
        meter.resume()
    return stored


def _write(directory: Path, parts: list[bytes], meters: bytes) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    beside = directory / f"{FILE}.new"
    with beside.open("wb") as file:
        file.write(b'{"version":1,"accounts":{%b},"meters":%b}' % (b",".join(parts), meters))
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, directory / FILE)
