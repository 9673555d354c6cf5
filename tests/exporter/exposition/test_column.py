import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.exposition.column import Column
from rackwatt_exporter.exposition.families import POWER


def lines(numbers: list[float]) -> list[str]:
    labels = [f'{{node="n{place}"}} '.encode() for place in range(len(numbers))]
    text = b"".join(Column(POWER, labels, numbers).text()).decode()
    assert text == "" or text.endswith("\n")
    return text.splitlines()


@given(st.lists(st.floats(allow_nan=False) | st.integers(0, 2**63), max_size=5))
def test_a_column_has_a_line_for_each_number_with_all_of_its_digits(numbers: list[float]) -> None:
    read = [line.rpartition(" ") for line in lines(numbers)]
    assert [float(number) for _, _, number in read] == numbers
    assert [who for who, _, _ in read] == [
        f'rackwatt_node_power_watts{{node="n{place}"}}' for place in range(len(numbers))
    ]


@pytest.mark.parametrize("count", [511, 512, 513, 1024, 1025])
def test_a_column_of_several_blocks_loses_no_line(count: int) -> None:
    numbers = [float(line.rpartition(" ")[2]) for line in lines([*map(float, range(count))])]
    assert numbers == [*range(count)]


def test_a_column_writes_numbers_that_json_lacks_as_prometheus_reads_them() -> None:
    written = [line.rpartition(" ")[2] for line in lines([1.0, math.inf, math.nan])]
    assert written == ["1.0", "inf", "nan"]
