"""How long records and sums are kept, in days, weeks or years.

These are calendar periods of years, for which neither Go's durations nor CEL have a unit: a year is
365 days, as in Prometheus' `--storage.tsdb.retention.time`.
"""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.model import Model
from rackwatt_crds.rules import Rule

DEFAULT_UNITS = "1y"
DEFAULT_DAILY = "10y"

Period = Annotated[
    str,
    Meta(
        pattern=r"^([1-9][0-9]{0,4}d|[1-9][0-9]{0,3}w|[1-9][0-9]{0,2}y)\Z",
        max_length=6,
        description="A number of days, weeks or years of 365 days, such as `90d`, `8w` or `1y`.",
    ),
]
_DAYS = {"d": 1, "w": 7, "y": 365}


def days(text: str) -> int:
    """Return the days of a period that already matched the pattern of `Period`."""
    return int(text[:-1]) * _DAYS[text[-1]]


def _cel_days(field: str) -> str:
    """Return the CEL expression of `days`; the default where the field is absent."""
    text = f"(has(self.{field}) ? self.{field} : '{_DEFAULTS[field]}')"
    units = ", ".join(f"'{unit}': {count}" for unit, count in _DAYS.items())
    number = f"int({text}.substring(0, {text}.size() - 1))"
    return f"{number} * {{{units}}}[{text}.substring({text}.size() - 1)]"


_DEFAULTS = {"units": DEFAULT_UNITS, "daily": DEFAULT_DAILY}


def _sums_go_first(retention: "Retention") -> str | None:
    units, daily = retention.units or DEFAULT_UNITS, retention.daily or DEFAULT_DAILY
    return f"{daily} and {units}" if days(daily) < days(units) else None


class Retention(Model, frozen=True, kw_only=True):
    """How long records of jobs, and the sums of days, are kept."""

    units: Annotated[
        Period | None,
        Meta(
            description="How long the record of a job is kept after its end. Sums are kept when "
            "it goes. Default: 1y."
        ),
    ] = None
    daily: Annotated[
        Period | None,
        Meta(
            description="How long the sums of each day by user, account and partition are kept. "
            "Default: 10y."
        ),
    ] = None

    RULES = (
        Rule(
            "daily must not be shorter than units",
            f"{_cel_days('daily')} >= {_cel_days('units')}",
            _sums_go_first,
            ("units", "daily"),
            "daily",
        ),
    )
