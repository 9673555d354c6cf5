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

log = logging.getLogger(__name__)

FILE = "ledger.json"
_AT_A_TIME = 1000  # some milliseconds


class _File(msgspec.Struct):
    version: Literal[1]
    accounts: dict[str, Account]


class LedgerFile:
    """The accounts of all targets, those gone among them, and the file they are kept in.

    Without a directory they last as long as the process does.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self.accounts = _load(directory) if directory else {}

    async def save(self, for_s: float) -> None:
        """Write the ledger with room for the time until the next save; 0 is the last one.

        Accounts are taken some at a time: the ledger of a large fleet would hold up the loop.
        """
        if self._directory is None:
            return
        raised: dict[str, Account | None] = {}
        parts: list[bytes] = []
        nodes = list(self.accounts)
        for start in range(0, len(nodes), _AT_A_TIME):
            some = nodes[start : start + _AT_A_TIME]
            part = {node: self.accounts[node].raised(for_s) for node in some}
            parts.append(msgspec.json.encode(part)[1:-1])
            raised |= part
            await asyncio.sleep(0)
        try:
            await asyncio.to_thread(_write, self._directory, parts)
        except OSError as error:
            log.error("the ledger cannot be kept in %s: %s", self._directory, error)
            raised = dict.fromkeys(raised)  # no ceilings: a frozen counter would be worse
        for node, stored in raised.items():
            self.accounts[node].take_ceilings(stored)


def _load(directory: Path) -> dict[str, Account]:
    """Read the accounts of the last run; none if there was none.

    A file that cannot be read is set aside, not overwritten: its joules may still be told by hand.
    """
    path = directory / FILE
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        aside = path.with_suffix(".unreadable")
        log.error("%s cannot be read and is kept as %s: %s", path, aside.name, error)
        os.replace(path, aside)
        return {}
    for account in stored.accounts.values():
        account.resume()
    return stored.accounts


def _write(directory: Path, parts: list[bytes]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    beside = directory / f"{FILE}.new"
    with beside.open("wb") as file:
        file.write(b'{"version":1,"accounts":{%b}}' % b",".join(parts))
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, directory / FILE)
