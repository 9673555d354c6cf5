"""The days of a place: 23, 24 or 25 hours, each with a number that grows by one a day.

A day is numbered by its date (days since 1970-01-01), so that the number says which date it is
without a zone, and its bounds are Unix times that the zone gives.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from rackwatt_accounting.model.window import Window

_EPOCH = date(1970, 1, 1)
_DAY_S = 86400


class Calendar:
    """The days of one time zone."""

    def __init__(self, zone: str) -> None:
        """Raise ValueError: the zone is not known."""
        try:
            self._zone = ZoneInfo(zone)
        except (KeyError, OSError, ValueError) as error:
            raise ValueError(f"{zone!r} is no time zone, such as Europe/Paris or UTC") from error
        self.zone = zone
        self.window = lru_cache(4096)(self._window)

    def day_of(self, time_s: int) -> int:
        """Return the number of the day that has a second."""
        day = time_s // _DAY_S
        for near in (day, day + 1, day - 1):
            from_s, to_s = self.window(near)
            if from_s <= time_s < to_s:
                return near
        return (datetime.fromtimestamp(time_s, self._zone).date() - _EPOCH).days

    def _window(self, day: int) -> Window:
        return Window(self._midnight(day), self._midnight(day + 1))

    def days(self, window: Window) -> Iterator[tuple[int, Window]]:
        """Yield each day that has seconds of a window, with those seconds."""
        if not window.seconds:
            return
        day = self.day_of(window.from_s)
        from_s, to_s = window
        while (midnight_s := self.window(day + 1).from_s) < to_s:
            yield day, Window(from_s, midnight_s)
            day, from_s = day + 1, midnight_s
        yield day, Window(from_s, to_s)

    def _midnight(self, day: int) -> int:
        """Return the first second of a day: not 00:00 where a change of the clock skips it."""
        start = datetime.combine(_EPOCH + timedelta(day), datetime.min.time(), self._zone)
        return int(start.astimezone(UTC).timestamp())


def date_text(day: int) -> str:
    """Return the date of a day, such as `2026-11-30`."""
    return (_EPOCH + timedelta(day)).isoformat()


def day_number(text: str) -> int:
    """Return the day of a date such as `2026-11-30`; raises ValueError."""
    return (date.fromisoformat(text) - _EPOCH).days
