"""Memory that a BMC has no DCMI; it expires, since no completion code proves it for good."""

import time
from collections.abc import Callable

from rackwatt_exporter.protocols.ipmi.completion_codes import CodeKind, CompletionError
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
