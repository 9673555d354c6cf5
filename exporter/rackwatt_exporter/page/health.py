"""How something that is asked does: four families, the same for collectors and for the grid."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, Self

from rackwatt_exporter.board import Entry
from rackwatt_exporter.page.exposition import labels
from rackwatt_exporter.page.family import Family

Samples = Iterable[tuple[Family, list[str]]]


class Health(NamedTuple):
    """Whether it answers, how old its answer is, how long that took, what went wrong."""

    up: Family
    age: Family
    duration: Family
    errors: Family

    @classmethod
    def of(cls, what: str, who: tuple[str, ...]) -> Self:
        """Declare the families of a collector or grid, which `who` are the labels of."""
        name = f"rackwatt_{what}"
        return cls(
            Family(f"{name}_up", "gauge", "Whether the last reading brought everything.", who),
            Family(
                f"{name}_reading_age_seconds",
                "gauge",
                "Age of the last reading, whether it is still served or not.",
                who,
                "seconds",
            ),
            Family(
                f"{name}_read_duration_seconds",
                "gauge",
                "How long the last reading took, or the try.",
                who,
                "seconds",
            ),
            Family(
                f"{name}_errors_total",
                "counter",
                "Readings that brought nothing or not all, by reason (docs/troubleshooting.md).",
                (*who, "reason"),
            ),
        )

    def samples(
        self,
        entries: Iterable[Entry[Any, Any]],
        who: Callable[[Entry[Any, Any]], tuple[str, ...]],
        now_s: float,
    ) -> Samples:
        """Go through the families that have samples, each with its lines."""
        known = [(entry, who(entry)) for entry in entries]
        yield self.up, [line(self.up, one, int(entry.up)) for entry, one in known]
        ages = [(one, entry.age_s(now_s)) for entry, one in known]
        yield self.age, [line(self.age, one, f"{s:.3f}") for one, s in ages if s is not None]
        took = [(one, entry.took_s) for entry, one in known]
        yield (
            self.duration,
            [line(self.duration, one, f"{s:.6f}") for one, s in took if s is not None],
        )
        yield (
            self.errors,
            [
                line(self.errors, (*one, reason), count)
                for entry, one in known
                for reason, count in entry.errors.items()
            ],
        )


def line(family: Family, values: tuple[str, ...], number: object) -> str:
    """Write one sample."""
    return f"{family.name}{labels(zip(family.labels, values, strict=True))} {number}\n"
