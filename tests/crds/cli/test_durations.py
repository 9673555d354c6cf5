import argparse

import pytest

from rackwatt_crds.cli.durations import duration


@pytest.mark.parametrize(
    ("text", "duration_s"),
    [("1s", 1), ("90s", 90), ("1m30s", 90), ("30d", 2_592_000), ("1d12h", 129_600)],
)
def test_a_duration_flag_is_read_as_seconds(text: str, duration_s: float) -> None:
    assert duration(text) == duration_s


@pytest.mark.parametrize("text", ["", "5", "5x", "1.5h", "-5s", "5s ", "d", "s5", "h1d"])
def test_a_duration_flag_that_is_none_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=repr(text)):
        duration(text)


def test_a_duration_flag_of_less_than_a_second_is_refused() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="'500ms' is less than a second"):
        duration("500ms")
