"""Ids of jobs: tasks of arrays are counted, not expanded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.schedulers.slurm.arrays import JobId, count_tasks, parse_id


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8", JobId("8")),
        ("8_3", JobId("8_3", array="8")),
        ("8_[3]", JobId("8", array="8")),
        ("8_[3-9%3]", JobId("8", array="8", tasks=7)),
        ("8_[6-200:2%3]", JobId("8", array="8", tasks=98)),
        ("8_[1,3,5-7,20-19999]", JobId("8", array="8", tasks=5 + 19980)),
        ("8_[1,3,5,...]", JobId("8", array="8", tasks=3, whole=False)),
        ("4+0", JobId("4+0", het="4")),
    ],
)
def test_an_id_has_its_array_and_the_number_of_tasks_that_wait(text: str, expected: JobId) -> None:
    assert parse_id(text) == expected


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500), st.integers(1, 9))))
def test_ranges_have_as_many_tasks_as_they_list(ranges: list[tuple[int, int, int]]) -> None:
    text = ",".join(f"{first}-{first + more}:{step}" for first, more, step in ranges)
    listed = [len(range(first, first + more + 1, step)) for first, more, step in ranges]
    assert count_tasks(text) == (max(1, sum(listed)), bool(ranges))


@given(st.text())
def test_any_list_has_at_least_one_task(text: str) -> None:
    tasks, _ = count_tasks(text)
    assert 1 <= tasks <= 2**31
