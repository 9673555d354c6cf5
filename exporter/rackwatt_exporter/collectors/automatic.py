"""A collector that `auto` has chosen: a machine without what it reads has not failed.

A BMC without a measurement of power is as good as none. What is absent is looked for again at each
reading. Once it was read, it is a part of this machine: if it then vanishes, that is a failure, as
it is of a collector that a document names.
"""

from rackwatt_exporter.collectors.base import Collector, CollectorResult
from rackwatt_exporter.reading import ReadError, Reason

_NONE_HERE = (Reason.ABSENT, Reason.NO_POWER_SENSOR)


class AutomaticCollector:
    """A collector that may find nothing to read."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector
        self._is_found = False

    async def read(self) -> CollectorResult:
        """Read once; return why it is absent, while nothing was ever read.

        Raises:
            ReadError: as the collector does, for any other reason.
        """
        try:
            result = await self._collector.read()
        except ReadError as error:
            if self._is_found or error.reason not in _NONE_HERE:
                raise
            return CollectorResult(absent=error.with_traceback(None))
        self._is_found = True
        return result

    async def close(self) -> None:
        """Close the collector."""
        await self._collector.close()
