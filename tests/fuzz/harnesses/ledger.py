"""The ledger's file: accounts that can be true, which never fall from there; or a file set aside."""

import logging
import math
import tempfile
from pathlib import Path

from rackwatt_exporter.state import FILE, LedgerFile

JSON = True
_MUTE = logging.NullHandler()


def examine(data: bytes) -> None:
    """Start from any file."""
    log = logging.getLogger("rackwatt_exporter.state")
    log.propagate = False
    try:
        with tempfile.TemporaryDirectory() as directory:
            _start(Path(directory), data)
    finally:
        log.propagate = True


def _start(directory: Path, data: bytes) -> None:
    logging.getLogger("rackwatt_exporter.state").addHandler(_MUTE)
    (directory / FILE).write_bytes(data)
    accounts = LedgerFile(directory).accounts
    aside = directory / "ledger.unreadable"
    if aside.exists():
        assert accounts == {}
        assert aside.read_bytes() == data
    for account in accounts.values():
        begun = account.served_joules
        for step, joules in enumerate((None, None, 5.0, 4.0, None)):
            account.add(100.0, joules, step * 10.0, 1e9 + step * 10.0, 90.0)
            assert account.served_joules >= begun >= 0
            assert math.isfinite(account.served_joules)
            assert math.isfinite(account.covered_s)
