"""The store of targets: the last reading of each BMC and PDU, its joules, the state of its node."""

import time
from collections.abc import Callable, Iterable
from typing import TypeAlias

from rackwatt_exporter.config.target import Target
from rackwatt_exporter.reading import ReadError, Reading, Reason
from rackwatt_exporter.store.ledger import EnergyAccount
from rackwatt_exporter.store.ledger_file import LedgerFile
from rackwatt_exporter.store.store import Record, Store

TargetRecord: TypeAlias = Record[Target, Reading]


class TargetStore(Store[Target, Reading]):
    """All targets by node.

    It opens accounts in the ledger, which outlive their records. `states` has the state that the
    scheduler gives a node, where it is known.
    """

    def __init__(
        self,
        ledger: LedgerFile,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(clock)
        self.states: dict[str, str] = {}
        self._ledger = ledger
        self._wall = wall

    def account(self, node: str) -> EnergyAccount:
        """Return the energy account of a target."""
        return self._ledger.accounts[node]

    def failed(self, key: str, error: ReadError, took_s: float) -> None:
        """Accept a failure that happened just now.

        A machine that is off draws nothing now: its last watts are known to be past.
        """
        record = self.records.get(key)
        if record is not None and error.reason is Reason.POWERED_OFF:
            record.value = None
            self.account(key).pause()
        super().failed(key, error, took_s)

    def set_state(self, node: str, state: str | None) -> None:
        """Set the state of a node; None where it is not known any more."""
        if self.states.get(node) == state:
            return
        if state is None:
            del self.states[node]
        else:
            self.states[node] = state
        self._changed(self.records[node])

    def sync(self, specs: Iterable[Target]) -> set[str]:
        """Hold a record for each target and for no other; return the nodes of those removed."""
        removed = super().sync(specs)
        for node in removed:
            self.states.pop(node, None)
        return removed

    def _new(self, spec: Target) -> TargetRecord:
        self._ledger.accounts.setdefault(spec.key, EnergyAccount())
        return super()._new(spec)

    def _accept(self, record: TargetRecord, value: Reading, took_s: float) -> None:
        super()._accept(record, value, took_s)
        key = record.spec.node
        assert record.read_at_s is not None  # noqa: S101 - set just now
        self._ledger.accounts[key].add(
            value.watts, value.joules, record.read_at_s, self._wall(), record.spec.stale_after_s
        )
        self._ledger.changed.add(key)
