"""The health of something that is polled: four families, the same for every kind of thing."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol, Self

from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.metrics.text import FamilyLines, line
from rackwatt_exporter.reading import Reason


class Polled(Protocol):
    """What is known of the polls of one thing (store/store.py)."""

    @property
    def up(self) -> bool:
        """Whether the last poll returned everything."""
        ...

    @property
    def took_s(self) -> float | None:
        """How long the last poll took."""
        ...

    @property
    def errors(self) -> Counter[Reason]:
        """How often it failed, by reason."""
        ...

    def age_s(self, now_s: float) -> float | None:
        """Return the age of the last value."""
        ...


class HealthFamilies(NamedTuple):
    """Whether it is up, how old its value is, how long the last poll took, how often it failed."""

    up: MetricFamily
    age: MetricFamily
    duration: MetricFamily
    errors: MetricFamily

    @classmethod
    def of(cls, kind: str, labels: tuple[str, ...]) -> Self:
        """Declare the families of one kind of thing, which `labels` identify."""
        name = f"rackwatt_{kind}"
        return cls(
            MetricFamily(
                f"{name}_up",
                "gauge",
                "1 if the last poll returned all values, 0 otherwise.",
                labels,
            ),
            MetricFamily(
                f"{name}_reading_age_seconds",
                "gauge",
                "Age of the last value, whether it is still served or already withdrawn.",
                labels,
                "seconds",
            ),
            MetricFamily(
                f"{name}_read_duration_seconds",
                "gauge",
                "Duration of the last poll, successful or not.",
                labels,
                "seconds",
            ),
            MetricFamily(
                f"{name}_errors_total",
                "counter",
                "Total number of polls that returned nothing or not all "
                "values, by reason (docs/troubleshooting.md).",
                (*labels, "reason"),
            ),
        )

    def lines(
        self, polled: Iterable[tuple[tuple[str, ...], Polled]], now_s: float
    ) -> Iterator[FamilyLines]:
        """Go through the families with their lines; each thing comes with its label values."""
        known = list(polled)
        yield self.up, [line(self.up, who, int(one.up)) for who, one in known]
        ages = [(who, one.age_s(now_s)) for who, one in known]
        yield self.age, [line(self.age, who, f"{s:.3f}") for who, s in ages if s is not None]
        took = [(who, one.took_s) for who, one in known]
        yield (
            self.duration,
            [line(self.duration, who, f"{s:.6f}") for who, s in took if s is not None],
        )
        yield (
            self.errors,
            [
                line(self.errors, (*who, reason), count)
                for who, one in known
                for reason, count in one.errors.items()
            ],
        )
