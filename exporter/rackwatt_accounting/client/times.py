"""Times as sacct's users write them: dates, times of day, `now-7days`, `today`.

The forms are those of sacct(1), `--starttime`, of those that people use. They are times of this
machine's zone, as sacct has them.
"""

import re
from datetime import datetime, timedelta

_RELATIVE = re.compile(r"now(?:([-+])([0-9]{1,6})([a-z]*))?\Z")
_UNITS = {
    "": 1, "second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800,
}  # fmt: skip
_FORMS = (
    "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d", "%m/%d/%y-%H:%M:%S", "%m/%d/%y-%H:%M",
    "%m/%d/%y", "%m%d%y",
)  # fmt: skip
_TIMES = ("%H:%M:%S", "%H:%M")
_HOURS = {"midnight": 0, "today": 0, "noon": 12, "fika": 15, "teatime": 16}


def parse_time(text: str, now: datetime) -> datetime:
    """Parse a time.

    Raises:
        ValueError: it is none of the forms.
    """
    plain = text.strip().lower()
    if plain in _HOURS:
        return now.replace(hour=_HOURS[plain], minute=0, second=0, microsecond=0)
    relative = _RELATIVE.match(plain)
    if relative is not None:
        return now + _offset(*relative.groups(""), text=text)
    for form in _FORMS:
        try:
            return datetime.strptime(text.strip(), form).astimezone()
        except ValueError:
            continue
    for form in _TIMES:
        try:
            time = datetime.strptime(plain, form)
        except ValueError:
            continue
        return now.replace(hour=time.hour, minute=time.minute, second=time.second, microsecond=0)
    raise ValueError(f"{text!r} is no time, such as 2026-11-30, 2026-11-30T08:00 or now-7days")


def _offset(sign: str, count: str, unit: str, *, text: str) -> timedelta:
    if not count:
        return timedelta()
    matching = [name for name in _UNITS if name.startswith(unit.rstrip("s"))] if unit else [""]
    if len(matching) != 1:
        raise ValueError(f"{text!r}: {unit!r} is none of seconds, minutes, hours, days, weeks")
    offset = timedelta(seconds=int(count) * _UNITS[matching[0]])
    return -offset if sign == "-" else offset
