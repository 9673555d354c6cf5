import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.http.error_words import error_words, page_title

WORDS = st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"RBAC: access denied", "RBAC: access denied"),
        (b'{"message":"No API key found"}', "No API key found"),
        (b'{"error":"invalid_token","error_description":"expired"}', "expired"),
        (b'{"itemNotFound": {"code": 404, "message": "no server"}}', "no server"),
        (b'{"error_message": "{\\"faultstring\\": \\"no node\\"}"}', "no node"),
        (b'{"errors": [{"title": "Forbidden", "detail": "not allowed"}]}', "not allowed"),
        (b"<html><title>403 Forbidden</title></html>", "403 Forbidden"),
        (b"<html>welcome</html>", ""),
        (b'"a text"', "a text"),
        (b'{"cut": "sho', ""),
        (b"", ""),
    ],
)
def test_the_words_of_an_error_are_those_of_its_format(body: bytes, words: str) -> None:
    assert error_words(body) == words


@given(st.binary())
def test_any_body_has_words_that_can_be_printed(body: bytes) -> None:
    for words in (error_words(body), page_title(body)):
        assert words.isprintable()
        assert len(words) <= 300


@given(WORDS, st.sampled_from(["message", "detail", "error", "error_description"]))
def test_a_message_is_found_however_deep(words: str, key: str) -> None:
    body = json.dumps({"a": {"code": 3, "b": [{key: words}]}}).encode()
    assert error_words(body) == words
