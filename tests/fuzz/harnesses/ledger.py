"""The ledger's file: accounts that can be true, which never fall from there; or a file set aside."""

import logging
import math
import tempfile
from pathlib import Path

from rackwatt_exporter.store.ledger_file import FILE, LedgerFile
from rackwatt_exporter.store.wrapping_counter import WrappingCounter

JSON = True
_MUTE = logging.NullHandler()


def examine(data: bytes) -> None:
    """Start from any file."""
    log = logging.getLogger("rackwatt_exporter.store.ledger_file")
    log.propagate = False
    try:
        with tempfile.TemporaryDirectory() as directory:
            _start(Path(directory), data)
    finally:
        log.propagate = True


def _start(directory: Path, data: bytes) -> None:
    logging.getLogger("rackwatt_exporter.store.ledger_file").addHandler(_MUTE)
    (directory / FILE).write_bytes(data)
    ledger = LedgerFile(directory)
    accounts = ledger.accounts
    aside = directory / "ledger.unreadable"
    if aside.exists():
        assert aside.read_bytes() == data
    for account in accounts.values():
        before = account.served_joules
        for step, joules in enumerate((None, None, 5.0, 4.0, None)):
            account.add(100.0, joules, step * 10.0, 1e9 + step * 10.0, 90.0)
            assert account.served_joules >= before >= 0
            assert math.isfinite(account.served_joules)
            assert math.isfinite(account.covered_s)
    for meter in ledger.counters.values():
        _hold_meter(meter)


def _hold_meter(meter: WrappingCounter) -> None:
    before = meter.served_joules
    for step, joules in enumerate((5.0, 400.0, 3.0, 3.0)):
        meter.update(joules, 65712.0, "this boot", 100.0 + step * 10.0, 1e9)
        assert meter.served_joules >= before >= 0
        assert math.isfinite(meter.served_joules)
        assert math.isfinite(meter.covered_s)
        assert meter.watts is None or 0 < meter.watts <= 1500
