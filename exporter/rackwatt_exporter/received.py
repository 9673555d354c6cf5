"""Count of the bytes that peers answer, by poller.

A poll runs several commands or sends several requests, through transports that know nothing of it.
A context variable says whose count it is: that follows the task of the poll, and the tasks and
threads that it starts, such as a watch that goes on between two polls.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class ReceivedBytes:
    """Bytes that were received, decompressed, whether they could be read or not."""

    def __init__(self) -> None:
        self.total = 0


_current: ContextVar[ReceivedBytes | None] = ContextVar("received", default=None)


@contextmanager
def counting(received: ReceivedBytes) -> Iterator[None]:
    """Add to `received` what this task receives within the block."""
    token = _current.set(received)
    try:
        yield
    finally:
        _current.reset(token)


def count_received(size: int) -> None:
    """Add to the count of the current task, if it has one."""
    if (received := _current.get()) is not None:
        received.total += size
