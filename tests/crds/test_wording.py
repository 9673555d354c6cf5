import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_crds.wording import closest_match, counted, did_you_mean


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 targets"), (1, "1 target"), (2, "2 targets"), (11, "11 targets")]
)
def test_one_is_counted_without_the_plural(count: int, words: str) -> None:
    assert counted(count, "target") == words


def test_a_plural_of_its_own_is_given() -> None:
    assert [counted(n, "address", "addresses") for n in (1, 2)] == ["1 address", "2 addresses"]


@pytest.mark.parametrize(
    "word", ["stale_after", "StaleAfter", "stale-after", "staleafter", "stalAfter"]
)
def test_the_nearest_word_is_found_whatever_the_case_and_the_joints(word: str) -> None:
    assert did_you_mean(word, ["interval", "staleAfter"]) == "did you mean staleAfter?"


def test_a_word_like_none_is_answered_with_all() -> None:
    assert closest_match("zzq", ["interval", "timeout"]) is None
    assert did_you_mean("zzq", ["interval", "timeout"]) == "known are interval, timeout"


@given(st.text(), st.lists(st.text()))
def test_the_closest_word_is_one_of_the_known(word: str, known: list[str]) -> None:
    assert closest_match(word, known) in (None, *known)
