"""The ledger of this machine on disk: one small file, written whole at each advance.

It is written before what is in it is served. So a process that is killed continues from what was
served last, or from one advance later, and nothing on a page ever decreases or is counted twice.
"""

import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from rackwatt_exporter.energy.ledger import NodeLedger

log = logging.getLogger(__name__)

FILE = "node-energy.json"


class _Stored(msgspec.Struct):
    ledger: NodeLedger
    version: Literal[1] = 1


class EnergyStateFile:
    """The file in a directory; without one the ledger lasts as long as the process does."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._is_failing = False
        self._ledger: NodeLedger | None = None

    def ledger(self, boot: str) -> NodeLedger:
        """Return the ledger, that of the process before at first; an empty one if there was none.

        It is the same one while the process lasts, also where a document has changed: its counters
        do not begin again. A file that cannot be read is kept beside: its joules may still be
        recovered by hand.
        """
        if self._ledger is None:
            self._ledger = self._load(boot)
        return self._ledger

    def _load(self, boot: str) -> NodeLedger:
        if self._directory is None:
            return NodeLedger()
        path = self._directory / FILE
        try:
            ledger = msgspec.json.decode(path.read_bytes(), type=_Stored).ledger
        except (FileNotFoundError, NotADirectoryError):
            return NodeLedger()
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            aside = path.with_suffix(".unreadable")
            log.error("%s cannot be read and is kept as %s: %s", path, aside.name, error)
            with suppress(OSError):  # where it may not be moved either, saving reports it
                os.replace(path, aside)
            return NodeLedger()
        if ledger.position is None or not boot or ledger.position.boot != boot:
            ledger.restart()
        return ledger

    async def save(self, ledger: NodeLedger) -> None:
        """Write the ledger. A disk that is full stops neither the ledger nor the page."""
        if self._directory is None:
            return
        data = msgspec.json.encode(_Stored(ledger))
        try:
            await asyncio.to_thread(_write, self._directory, data)
        except OSError as error:
            if not self._is_failing:
                log.error("the energy ledger cannot be kept in %s: %s", self._directory, error)
            self._is_failing = True
        else:
            self._is_failing = False


def _write(directory: Path, data: bytes) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    beside = directory / f"{FILE}.new"
    with beside.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, directory / FILE)
