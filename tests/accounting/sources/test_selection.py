import pytest

from rackwatt_accounting.model.unit import Unit
from rackwatt_accounting.model.window import Window
from rackwatt_accounting.sources.selection import within


@pytest.mark.parametrize(
    ("start_s", "end_s", "belongs"),
    [
        (50, 99, False), (50, 100, True), (50, 300, True), (120, 130, True), (50, None, True),
        (199, None, True), (200, 300, False), (200, None, False), (100, 100, True), (200, 200, False),
    ],
)  # fmt: skip
def test_a_unit_belongs_to_each_window_that_it_ran_or_ended_in(
    start_s: int, end_s: int | None, belongs: bool
) -> None:
    unit = Unit(id="1", started_at_s=start_s, ended_at_s=end_s)
    assert (within([unit], Window(100, 200)) == [unit]) is belongs
