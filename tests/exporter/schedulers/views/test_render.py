"""Lines of samples: as the page's own formatter writes them, excluded families apart."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.metrics.family import MetricFamily, Sample
from rackwatt_exporter.metrics.text import line
from rackwatt_exporter.schedulers.views.render import Lines, render, render_named

ONE = MetricFamily("one", "gauge", "One.", ("scheduler", "cluster", "node"))
TWO = MetricFamily("two", "gauge", "Two.", ("scheduler", "cluster", "node", "type"))
SCHEDULER = ("pro\"d", "al\\pha")  # fmt: skip

words = st.text(max_size=8)
things = st.lists(st.tuples(words, st.integers(0, 99)), max_size=3).map(tuple)
Thing = tuple[tuple[str, int], ...]


def samples(thing: Thing) -> Iterator[Sample]:
    yield Sample(ONE, (), len(thing))
    for kind, count in thing:
        yield Sample(TWO, (kind,), count)


def plain(named: dict[str, Thing]) -> Lines:
    """Write each line for itself."""
    lines: Lines = {}
    for name, thing in named.items():
        for family, values, number in samples(thing):
            text = line(family, (*SCHEDULER, name, *values), number).decode()
            lines.setdefault(family, []).append(text)
    return lines


@given(st.lists(things, min_size=1, max_size=3), st.dictionaries(words, st.integers(0, 2)))
def test_lines_of_things_that_are_alike_are_those_that_each_would_have_alone(
    distinct: list[Thing], numbers: dict[str, int]
) -> None:
    named = {name: distinct[number % len(distinct)] for name, number in numbers.items()}
    assert render_named(SCHEDULER, named, samples, None) == plain(named)


@given(st.dictionaries(words, things))
def test_lines_of_samples_with_their_names_are_the_same(named: dict[str, Thing]) -> None:
    whole = (
        Sample(family, (name, *values), number)
        for name, thing in named.items()
        for family, values, number in samples(thing)
    )
    assert render(SCHEDULER, whole, None) == plain(named)


def test_a_family_that_is_excluded_has_no_line() -> None:
    named = {"n1": (("a", 1),)}
    assert render_named(SCHEDULER, named, samples, "two").keys() == {ONE}
    assert render_named(SCHEDULER, named, samples, "t").keys() == {ONE, TWO}
