"""What every source of accounting gives, whichever scheduler it is.

A source knows how to ask one scheduler and nothing of time, storage or retries: updates decide
which window is read, how often, and what is done about a failure. It answers in batches, so
that a day of a large cluster is never held as a whole. A reading that failed is an error however
much of it came: half a window is never taken for a window.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from rackwatt_accounting.model.associations import Associations
from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.model.window import Window

BATCH = 2000


class AccountingSource(Protocol):
    """The accounting of one cluster."""

    def units(self, window: Window) -> AsyncIterator[Sequence[Unit]]:
        """Yield all units that ran, or ended, at some time within a window, running ones included.

        A unit that only waits is none. The last batch comes after the source knows that it has all.

        Raises:
            ReadError: the scheduler did not answer, or its answer was cut.
        """
        ...

    def units_by_id(self, ids: Sequence[str], since_s: int) -> AsyncIterator[Sequence[Unit]]:
        """Yield every run since a time of the units with these ids; raises ReadError."""
        ...

    async def associations(self) -> Associations | None:
        """Return accounts and users; None where the scheduler has none; raises ReadError."""
        ...

    async def close(self) -> None:
        """End what is open."""
        ...
