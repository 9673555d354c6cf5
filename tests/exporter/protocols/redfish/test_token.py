"""Doubt about a token: when a refusal is worth a log-in, and how often at most."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.redfish.token import (
    FIRST_WAIT_S,
    MAX_WAIT_S,
    RECONSIDERED_AFTER_S,
    REFUSALS_IN_A_ROW,
    BackOff,
    SessionLifetimes,
    TokenDoubt,
)

ID = ("@odata.id",)


def test_a_token_that_opened_a_resource_is_doubted_when_that_is_refused() -> None:
    doubt = TokenDoubt()
    doubt.accepted("/a", ID)
    assert not doubt.refused("/b")
    assert doubt.refused("/a")


def test_a_token_that_opens_nothing_any_more_is_doubted() -> None:
    doubt = TokenDoubt()
    doubt.accepted("/a", ID)
    refused = [doubt.refused(f"/{number}") for number in range(REFUSALS_IN_A_ROW)]
    assert refused == [False] * (REFUSALS_IN_A_ROW - 1) + [True]


@given(st.integers(0, 100))
def test_resources_that_a_service_does_not_have_are_no_reason_to_doubt(count: int) -> None:
    doubt = TokenDoubt()
    doubt.accepted("/a", ID)
    assert not any(doubt.refused(f"/{number}", absent=True) for number in range(count))
    assert doubt.refused("/a", absent=True)


def test_a_token_is_doubted_when_any_member_of_a_large_sum_is_gone() -> None:
    doubt = TokenDoubt()
    paths = [f"/{number}" for number in range(24)]
    for path in paths * 2:
        doubt.accepted(path, ID)
    assert all(doubt.refused(path, absent=True) for path in paths)


@pytest.mark.parametrize(
    ("properties", "marks"),
    [(["@odata.id", "Name"], {"@odata.id"}), (["Name", "Watts"], {"Name", "Watts"}), ([], set())],
)
def test_a_resource_is_known_by_its_identifier_else_by_its_properties(
    properties: list[str], marks: set[str]
) -> None:
    doubt = TokenDoubt()
    doubt.accepted("/a", properties)
    assert doubt.opened("/a")
    assert doubt.marks("/a") == marks
    assert doubt.marks("/b") == set()
    doubt.renewed()
    assert not doubt.opened("/a")
    assert doubt.marks("/a") == set()


def test_a_resource_that_was_an_empty_object_is_known_once_it_has_properties() -> None:
    doubt = TokenDoubt()
    for properties in ([], ["Watts"], []):
        doubt.accepted("/a", properties)
    assert doubt.marks("/a") == {"Watts"}


@given(st.lists(st.sampled_from(["/a", "/b", "/c"])))
def test_a_token_that_never_opened_anything_is_not_doubted(paths: list[str]) -> None:
    doubt = TokenDoubt()
    doubt.accepted("/z", ID)
    doubt.renewed()
    assert not any(doubt.refused(path) for path in paths)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=200))
def test_log_ins_that_do_not_help_become_rare(pauses_s: list[float]) -> None:
    back_off, now_s = BackOff(), 0.0
    tried_s: list[float] = []
    for pause_s in pauses_s:
        now_s += pause_s
        if back_off.allows(now_s):
            tried_s.append(now_s)
            back_off.failed(now_s)
    for number, (before_s, after_s) in enumerate(itertools.pairwise(tried_s)):
        assert after_s - before_s >= min(FIRST_WAIT_S * 2**number, MAX_WAIT_S) - 1e-6


def test_a_log_in_that_helped_may_be_tried_again_at_once() -> None:
    back_off = BackOff()
    back_off.failed(0.0)
    assert not back_off.allows(FIRST_WAIT_S - 1)
    assert back_off.allows(FIRST_WAIT_S)
    back_off.helped()
    back_off.failed(FIRST_WAIT_S)
    assert back_off.allows(2 * FIRST_WAIT_S)


def test_sessions_are_too_short_once_two_in_a_row_were() -> None:
    lifetimes = SessionLifetimes()
    for start_s, end_s, too_short in ((0, 59, False), (60, 121, False), (130, 131, False)):
        lifetimes.started(start_s)
        lifetimes.ended(end_s)
        assert lifetimes.too_short(0.0) is too_short
    lifetimes.started(140)
    lifetimes.ended(141)
    assert lifetimes.too_short(0.0)


@pytest.mark.parametrize(
    ("status", "again_after_s"),
    [(401, RECONSIDERED_AFTER_S), (403, RECONSIDERED_AFTER_S), (200, RECONSIDERED_AFTER_S)]
    + [(status, 0) for status in (404, 408, 429, 500, 502, 503, 504)],
)
def test_basic_that_failed_is_tried_again_at_once_or_after_an_hour(
    status: int, again_after_s: float
) -> None:
    lifetimes = SessionLifetimes()
    lifetimes.basic_failed(10, status)
    for start_s in (20, 21):
        assert not lifetimes.too_short(1e9)
        lifetimes.started(start_s)
        lifetimes.ended(start_s)
    assert lifetimes.too_short(10 + again_after_s)
    assert not lifetimes.too_short(9 + again_after_s)
    lifetimes.reconsider()
    assert not lifetimes.too_short(1e9)


@given(st.lists(st.floats(0, 1e6)))
def test_sessions_that_were_never_opened_are_not_too_short(ends_s: list[float]) -> None:
    lifetimes = SessionLifetimes()
    for end_s in ends_s:
        lifetimes.ended(end_s)
    assert not lifetimes.too_short(0.0)
