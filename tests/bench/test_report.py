from collections import Counter

import pytest

from tests.bench.packet_counter import Contacts, peak_per_s
from tests.bench.readings import OURS, ReadingCost, readings
from tests.bench.report import Figure, figures, table, times, with_unit


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0456, "ms", "0.046 ms"),
        (2.345, "s", "2.35 s"),
        (45.67, "", "45.7"),
        (129.4, "MiB", "129 MiB"),
        (9000, "", "9,000"),
        (0.9995, "%", "99.95 %"),
        (1.0, "%", "100 %"),
        (0, "s", "0 s"),
    ],
)
def test_a_number_is_written_with_its_significant_digits_and_unit(
    value: float, unit: str, text: str
) -> None:
    assert with_unit(value, unit) == text


def test_figures_mark_kept_and_missed_budgets_and_explain_each_miss() -> None:
    text = figures(
        [
            Figure("cores", 0.15, "", 0.2),
            Figure("fresh", 0.98, "%", 0.999, "least", "the machine was busy"),
            Figure("memory", None, "MiB", 200),
            Figure("packets", 12),
        ]
    )
    assert "| cores   | 0.15     | ≤ 0.20: kept" in text
    assert "| fresh   | 98 %     | ≥ 99.9 %: **missed**" in text
    assert "| memory  | –        | ≤ 200 MiB: not measured" in text
    sentences = [line for line in text.splitlines() if line.startswith("**Missed:**")]
    assert sentences == [
        "**Missed:** fresh is 98 %, and the budget is 99.9 %: the machine was busy."
    ]


def test_readings_compare_each_client_with_ours_of_the_same_kind() -> None:
    text = readings(
        "IPMI",
        [
            ReadingCost(OURS, "DCMI", 0.2, 0.05, budget_ms=0.06),
            ReadingCost("other", "DCMI", 1.0, 0.5),
            ReadingCost("third", "DCMI", None, 5.0, "logs in each time"),
            ReadingCost(OURS, "sensors", 0.2, 0.1, budget_ms=0.06),
            ReadingCost("absent", "sensors", None, None, "is not installed"),
        ],
        waited=0.5,
    )
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[2:7]]
    assert rows[0][4:7] == ["", "", "≤ 0.060 ms: kept"]
    assert rows[1][2:6] == ["1.000", "0.500", "5.0 ×", "10 ×"]
    assert rows[2][2:6] == ["–", "5.000", "25 ×", "100 ×"]
    assert rows[3][6] == "≤ 0.060 ms: **missed**"
    assert rows[4][2:6] == ["–", "–", "–", "–"]
    why = "for 50% of the time others had the processors, and the caches with them"
    figure = "IPMI, sensors, takes us 0.100 ms, and the budget is 0.06 ms"
    assert text.endswith(f"**Missed:** {figure}: {why}.")


def test_a_ratio_needs_two_figures() -> None:
    assert [times(None, 1), times(1, None), times(1, 0), times(3, 2)] == ["–", "–", "–", "1.5 ×"]


def test_table_columns_are_as_wide_as_their_widest_cell() -> None:
    assert table(("a", "b"), [("long cell", "c")]).splitlines() == [
        "| a         | b   |",
        "|-----------|-----|",
        "| long cell | c   |",
    ]


def test_peak_per_s_finds_the_busiest_second_wherever_it_starts() -> None:
    bins = Counter({5: 3, 14: 4, 15: 2, 30: 5})  # tenths of a second
    assert peak_per_s(bins) == 7
    assert peak_per_s(Counter()) == 0


def test_contacts_end_with_an_answer_or_after_their_duration() -> None:
    contacts = Contacts(lasts_s=1.0)
    for number in range(3):
        contacts.began(bytes([number]), 0.0)
    contacts.answered(bytes([0]))
    contacts.began(bytes([3]), 0.5)
    assert contacts.most == 3
    contacts.began(bytes([4]), 1.2)  # two have been silent for longer than that
    contacts.began(bytes([0]), 1.2)  # this one was met before
    assert contacts.most == 3
    for number in range(5, 8):
        contacts.began(bytes([number]), 1.3)
    assert contacts.most == 5
