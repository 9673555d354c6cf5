"""What is known now of each target: its last reading, its failure, its account.

Polling writes, the page reads. A reading has a time, and past `stale_after_s` it is withdrawn
rather than repeated; nothing here ever puts a 0 where there is no reading.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from rackwatt_exporter.ledger import Account
from rackwatt_exporter.ledger_file import LedgerFile
from rackwatt_exporter.reading import ReadError, Reading, Reason
from rackwatt_exporter.settings.target import Target


@dataclass(slots=True)
class Record:
    """Everything known of one target. Times are monotonic seconds of this process.

    `revision` is the store's when the record last changed: what is new since then is higher.
    """

    target: Target
    account: Account
    reading: Reading | None = None
    read_at_s: float | None = None
    error: ReadError | None = None
    failing_since_s: float | None = None
    took_s: float | None = None
    reads: int = 0
    errors: dict[Reason, int] = field(default_factory=dict)
    state: str | None = None
    revision: int = 0

    @property
    def up(self) -> bool:
        """Whether the last question was answered with a reading."""
        return self.error is None and self.read_at_s is not None

    def age_s(self, now_s: float) -> float | None:
        """Tell the age of the reading that is still served; None when there is none."""
        return None if self.read_at_s is None else now_s - self.read_at_s

    def withdraw_if_stale(self, now_s: float) -> bool:
        """Let go of a reading that is too old; tell whether there was one to let go."""
        if self.reading is None or self.read_at_s is None:
            return False
        if now_s - self.read_at_s <= self.target.stale_after_s:
            return False
        self.reading = None
        return True


class Store:
    """All records, by node. `changed` is called with each record that has something new.

    It opens accounts in the ledger, which outlive their records.
    """

    def __init__(
        self,
        ledger: LedgerFile,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.records: dict[str, Record] = {}
        self.revision = 0
        self._ledger = ledger
        self.changed: Callable[[Record], None] = _unheard
        self._clock = clock
        self._wall = wall

    def want(self, targets: Iterable[Target]) -> set[str]:
        """Hold a record for each target and for no other; tell which nodes are gone."""
        wanted = {target.node: target for target in targets}
        gone = self.records.keys() - wanted.keys()
        for node in gone:
            del self.records[node]
        for node, target in wanted.items():
            record = self.records.get(node)
            if record is None:
                account = self._ledger.accounts.setdefault(node, Account())
                self.records[node] = record = Record(target, account)
            elif record.target == target:
                continue
            record.target = target
            self._tell(record)
        return set(gone)

    def succeeded(self, key: str, result: Reading, took_s: float) -> None:
        """Take a reading that came just now."""
        record = self.records.get(key)
        if record is None:
            return
        now_s = self._clock()
        record.reading, record.read_at_s, record.took_s = result, now_s, took_s
        record.error = record.failing_since_s = None
        record.reads += 1
        record.account.add(
            result.watts, result.joules, now_s, self._wall(), record.target.stale_after_s
        )
        self._ledger.changed.add(key)
        self._tell(record)

    def failed(self, key: str, error: ReadError, took_s: float) -> None:
        """Take a failure that came just now."""
        record = self.records.get(key)
        if record is None:
            return
        now_s = self._clock()
        record.error, record.took_s = error, took_s
        record.failing_since_s = record.failing_since_s or now_s
        record.errors[error.reason] = record.errors.get(error.reason, 0) + 1
        if error.reason is Reason.POWERED_OFF:  # its last watts are known to be past
            record.reading = None
            record.account.pause()
        record.withdraw_if_stale(now_s)
        self._tell(record)

    def set_state(self, record: Record, state: str | None) -> None:
        """Note the state of a node, or that it is not known any more."""
        if record.state != state:
            record.state = state
            self._tell(record)

    def fresh(self, node: str) -> Record | None:
        """Tell a target's record, its reading let go of if it is too old by now."""
        record = self.records.get(node)
        if record is not None and record.withdraw_if_stale(self._clock()):
            self._tell(record)
        return record

    def withdraw_stale(self) -> None:
        """Let go of every reading that is too old by now."""
        now_s = self._clock()
        for record in self.records.values():
            if record.withdraw_if_stale(now_s):
                self._tell(record)

    def _tell(self, record: Record) -> None:
        self.revision += 1
        record.revision = self.revision
        self.changed(record)


def _unheard(_: Record) -> None:
    """Stand in until somebody listens."""
