"""Source that accepts only plausible readings: every user of a driver gets one."""

from rackwatt_exporter.plausibility import validate
from rackwatt_exporter.reading import Reading
from rackwatt_exporter.targets.base import Source


class ValidatedSource:
    """Wraps a target's source, and rejects implausible readings."""

    __slots__ = ("_max_watts", "_source")

    def __init__(self, source: Source, max_watts: float) -> None:
        self._source = source
        self._max_watts = max_watts

    @property
    def session(self) -> str:
        """What is open with the peer now, for people; empty for nothing."""
        return self._source.session

    async def read(self) -> Reading:
        """Read the power once.

        Raises:
            ReadError: as the source, and as `validate`.
        """
        return validate(await self._source.read(), self._max_watts)

    async def close(self) -> None:
        """Close the source."""
        await self._source.close()
