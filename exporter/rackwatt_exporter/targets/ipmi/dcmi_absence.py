"""Whether a BMC lacks DCMI, as far as is known: no completion code proves it for good."""

import time
from collections.abc import Callable

from rackwatt_exporter.protocols.ipmi.completion_codes import CodeKind, CompletionError
from rackwatt_exporter.reading import ReadError

RECHECK_S = 600.0


class DcmiAbsence:
    """What one BMC said of DCMI: that it has none is believed for ten minutes, unless it had."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._had = False
        self._until_s: float | None = None

    @property
    def believed(self) -> bool:
        """Whether to do without DCMI now."""
        return self._until_s is not None and self._clock() < self._until_s

    def answered(self) -> None:
        """Note that the BMC has DCMI."""
        self._had = True

    def refused(self, error: ReadError) -> None:
        """Note what the BMC said instead of watts."""
        unsupported = isinstance(error, CompletionError) and error.kind is CodeKind.UNSUPPORTED
        if unsupported and not self._had:
            self._until_s = self._clock() + RECHECK_S
