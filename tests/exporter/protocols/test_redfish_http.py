"""An HTTP answer that may be anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.redfish_http import Answer
from rackwatt_exporter.reading import ReadError, Reason


@given(st.integers(100, 999), st.binary(), st.text(max_size=20))
def test_any_answer_is_a_document_or_has_a_reason(status: int, body: bytes, kind: str):
    answer = Answer(status, {"content-type": kind}, body)
    try:
        assert isinstance(answer.document("/redfish/v1/"), dict)
    except ReadError as error:
        assert error.reason in {
            Reason.AUTH_FAILED,
            Reason.BAD_REPLY,
            Reason.PRIVILEGE_INSUFFICIENT,
            Reason.SESSION_LIMIT,
        }


@pytest.mark.parametrize("body", [b"[" * 1_000_000, b'{"a":' * 200_000, b'"\\ud800"', b"\xff{}"])
def test_json_made_to_break_parsers_is_a_bad_reply(body: bytes):
    with pytest.raises(ReadError) as told:
        Answer(200, {}, body).document("/redfish/v1/")
    assert told.value.reason is Reason.BAD_REPLY
