"""What one exporter tells another of a binding, and every way in which that can be no answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.printable import printable
from rackwatt_exporter.protocols.http.client import HttpResponse
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers import node_states_api as listing
from rackwatt_exporter.schedulers.base import MAX_VERSION, NodeStates
from rackwatt_exporter.schedulers.remote import age_s, node_states, refusal


def answer(status: int = 200, body: bytes = b"", **headers: str) -> HttpResponse:
    return HttpResponse(status, body, 0.5, headers)


@pytest.mark.parametrize("said", ["", "-1", "1.5", "x", "٣", "9" * 40, "5 "])
def test_an_answer_of_unknown_age_is_no_answer(said: str) -> None:
    with pytest.raises(ReadError, match="Age") as caught:
        age_s(answer(age=said))
    assert caught.value.reason is Reason.BAD_REPLY


def test_an_age_counts_the_way_here() -> None:
    assert age_s(answer(age="7")) == 7.5


@pytest.mark.parametrize("reason", Reason)
def test_the_reason_of_the_other_end_is_passed_on(reason: Reason) -> None:
    found = refusal(answer(503, f"{reason}: it's the weather\n".encode()), "/x")
    assert (found.reason, str(found)) == (reason, "that exporter says: it's the weather")


def test_a_503_of_somebody_else_is_a_bad_reply() -> None:
    assert refusal(answer(503, b"upstream: gone"), "/x").reason is Reason.BAD_REPLY


@given(st.integers(100, 599), st.binary(max_size=200))
def test_any_refusal_has_a_reason(status: int, body: bytes) -> None:
    found = refusal(answer(status, body), "/x")
    assert isinstance(found.reason, Reason)
    assert str(found).isprintable()


states = st.dictionaries(
    st.text(min_size=1, max_size=255), st.from_regex(r"[a-z0-9_]{1,64}", fullmatch=True)
)


@given(states, st.text())
def test_what_is_written_is_read_the_same(told: dict[str, str], version: str) -> None:
    body = listing.written("prod", NodeStates(told, version))
    found = node_states(answer(200, body, age="0"))
    assert (found.states, found.version) == (told, printable(version, MAX_VERSION))


@given(st.binary(max_size=200) | st.sampled_from([
    b"{}", b"[]", b'{"cluster":"a","version":"b","states":{"n":1}}', b"[" * 5000,
    b'{"cluster":"a","version":"b","states":{"n":"DROP \\n"}}', b'{"states":null}',
    b'{"cluster":"a","version":"b","states":{"":"idle"}}',
]))  # fmt: skip
def test_garbage_is_a_bad_reply(body: bytes) -> None:
    with pytest.raises(ReadError) as caught:
        node_states(answer(200, body, age="0"))
    assert caught.value.reason is Reason.BAD_REPLY
