"""Memory that a BMC has no DCMI; it expires, since nothing that a BMC does proves it for good.

Some BMCs refuse DCMI by a completion code. Others do not respond to it at all, on a session on
which they respond to other commands.
"""

import time
from collections.abc import Callable

from rackwatt_exporter.protocols.ipmi.completion_codes import CodeKind, CompletionError
from rackwatt_exporter.protocols.ipmi.session import IpmiSession
from rackwatt_exporter.reading import ReadError

RECHECK_S = 600.0


class DcmiAbsence:
    """Whether one BMC lacks DCMI: its refusal counts for ten minutes, unless it had DCMI before."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._had = False
        self._until_s: float | None = None

    @property
    def assumed(self) -> bool:
        """Whether to skip DCMI now."""
        return self._until_s is not None and self._clock() < self._until_s

    def succeeded(self) -> None:
        """Record that the BMC has DCMI."""
        self._had = True

    def failed(self, error: ReadError) -> None:
        """Record the error that the BMC returned instead of watts."""
        unsupported = isinstance(error, CompletionError) and error.kind is CodeKind.UNSUPPORTED
        if unsupported and not self._had:
            self._until_s = self._clock() + RECHECK_S

    def silent(self) -> bool:
        """Record that DCMI alone failed without a code; return whether it may be for its lack."""
        if not self._had:
            self._until_s = self._clock() + RECHECK_S
        return not self._had


class DcmiSilence:
    """Whether one BMC responds to DCMI in a session: its silence counts for ten minutes of it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._silent: tuple[IpmiSession, float] | None = None
        self._answered: IpmiSession | None = None

    def assumed(self, session: IpmiSession) -> bool:
        """Return whether to skip DCMI now."""
        if self._silent is None:
            return False
        silent, until_s = self._silent
        return session is silent and self._clock() < until_s

    def possible(self, session: IpmiSession) -> bool:
        """Return whether silence may be to DCMI only; else the session may have ended."""
        return session is not self._answered

    def succeeded(self, session: IpmiSession) -> None:
        """Record a response to DCMI."""
        self._answered = session

    def failed(self, session: IpmiSession) -> None:
        """Record that the BMC did not respond to DCMI, and did to another command."""
        self._silent = session, self._clock() + RECHECK_S
