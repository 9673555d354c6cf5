"""HTTP answers in whatever pieces they come, and what is none."""

import gzip
import itertools
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.http.parser import (
    MAX_RESPONSE,
    HttpError,
    RawResponse,
    ResponseParser,
)

PLAIN = b'HTTP/1.1 200 OK\r\nX-Word: one\r\nX-Word: two\r\nContent-Length: 7\r\n\r\n{"a":1}'
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nX-Word: one\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'3\r\n{"a\r\n4 \r\n":1}\r\n0\r\n\r\n'
)
CONTINUED = b"HTTP/1.1 100 Continue\r\nX-Word: none\r\n\r\n" + PLAIN
BARE_LINES = b'HTTP/1.1 200 OK\nX-Word: one\nContent-Length: 7\n\n{"a":1}'


def encoded(name: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nX-Word: one\r\nContent-Encoding: {name}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def bare_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


WHOLE = [
    PLAIN,
    CHUNKED,
    CONTINUED,
    BARE_LINES,
    encoded("gzip", gzip.compress(b'{"a":1}')),
    encoded("Deflate", zlib.compress(b'{"a":1}')),
    encoded("deflate", bare_deflate(b'{"a":1}')),
]


def taken(answers: ResponseParser, pieces: list[bytes]) -> RawResponse | None:
    answer = None
    for piece in pieces:
        assert answer is None
        answer = answers.feed(piece)
    return answer


@given(st.sampled_from(WHOLE), st.lists(st.integers(0, 200), max_size=5))
def test_an_answer_is_the_same_in_whatever_pieces_it_comes(data: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in itertools.pairwise(places) if a < b]
    answers = ResponseParser()
    for _ in range(2):
        answer = taken(answers, pieces)
        assert answer is not None
        assert (answer.status, answer.headers["x-word"], answer.body) == (200, "one", b'{"a":1}')
        assert answers.keep_alive
        assert not answers.started


@given(st.lists(st.binary(max_size=60) | st.sampled_from([*WHOLE, PLAIN[:50]]), max_size=6))
def test_garbage_is_an_error_or_an_answer_and_nothing_else(pieces: list[bytes]) -> None:
    answers = ResponseParser()
    try:
        for piece in pieces:
            answer = answers.feed(piece)
            assert answer is None or answer.status >= 100
        answers.end()
    except HttpError as error:
        assert str(error)


def test_a_body_may_end_with_the_connection() -> None:
    answers = ResponseParser()
    assert answers.feed(b'HTTP/1.0 200 OK\r\n\r\n{"a"') is None
    assert answers.feed(b":1}") is None
    assert answers.end().body == b'{"a":1}'
    assert not answers.keep_alive


@pytest.mark.parametrize("cut", [10, 40, len(PLAIN) - 1])
def test_an_answer_cut_short_is_none(cut: int) -> None:
    answers = ResponseParser()
    assert answers.feed(PLAIN[:cut]) is None
    assert answers.started
    with pytest.raises(HttpError):
        answers.end()


@pytest.mark.parametrize("then", [b"", PLAIN[:20], PLAIN[:40]])
def test_what_precedes_an_answer_is_none(then: bytes) -> None:
    answers = ResponseParser()
    assert answers.feed(CONTINUED.removesuffix(PLAIN) + then) is None
    with pytest.raises(HttpError, match="ended within"):
        answers.end()


@pytest.mark.parametrize("more", [PLAIN, PLAIN[:30], b"garbage"])
def test_more_than_one_response_ends_the_connection(more: bytes) -> None:
    answers = ResponseParser()
    answer = answers.feed(PLAIN + more)
    assert answer is not None
    assert answer.body == b'{"a":1}'
    assert not answers.keep_alive


def test_a_service_that_closes_says_so() -> None:
    answers = ResponseParser()
    closing = PLAIN.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
    assert answers.feed(closing) is not None
    assert not answers.keep_alive


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.replace(b"7", b"%d" % (2 * MAX_RESPONSE)) + bytes(MAX_RESPONSE),
        b"HTTP/1.1 200 OK\r\n" + b"X-Word: one\r\n" * (MAX_RESPONSE // 12),
        encoded("gzip", gzip.compress(bytes(MAX_RESPONSE + 1))),
    ],
    ids=["body", "headers", "bomb"],
)
def test_an_answer_too_large_is_an_error(data: bytes) -> None:
    with pytest.raises(HttpError, match="larger than"):
        ResponseParser().feed(data)


@pytest.mark.parametrize("body", [b"xxxx", gzip.compress(b"{}")[:-9]], ids=["none", "cut"])
def test_what_is_compressed_badly_is_an_error(body: bytes) -> None:
    with pytest.raises(HttpError):
        ResponseParser().feed(encoded("gzip", body))


def test_an_unknown_encoding_is_named() -> None:
    with pytest.raises(HttpError, match="br"):
        ResponseParser().feed(encoded("br", b"xxxx"))


REFUSED = [
    data.replace(b"200 OK", b"%d X" % status, 1) for data in WHOLE for status in (302, 401, 503)
]


@given(st.sampled_from([data for data in REFUSED if b"100 C" not in data]), st.integers(0, 200))
def test_a_refusal_cut_short_keeps_its_status(data: bytes, cut: int) -> None:
    head = data.index(b"{" if b"\n\n" in data else b"\r\n\r\n") + 4
    answers = ResponseParser()
    answer = answers.feed(data[: min(head + cut, len(data))])
    if answer is None:
        assert answers.refused
        answer = answers.end()
        assert not answers.keep_alive
    assert answer.status == int(data.split()[1])


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 401 X\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 500 X\r\nContent-Length: 9999999\r\n\r\n" + bytes(MAX_RESPONSE),
    ],
    ids=["broken chunk", "too large"],
)
def test_a_refusal_with_a_broken_body_is_an_answer_and_the_last_one(data: bytes) -> None:
    answers = ResponseParser()
    answer = answers.feed(data)
    assert answer is not None
    assert answer.status == int(data.split()[1])
    assert not answers.keep_alive


@pytest.mark.parametrize("body", [b"xxxx", gzip.compress(b"{}")[:-9]], ids=["none", "cut"])
def test_a_refusal_that_is_compressed_badly_has_no_body(body: bytes) -> None:
    answer = ResponseParser().feed(encoded("gzip", body).replace(b"200 OK", b"401 X"))
    assert answer is not None
    assert (answer.status, answer.body) == (401, b"")


@pytest.mark.parametrize("cut", [0, 5, 14, 30])
def test_a_refusal_cut_within_its_head_is_none(cut: int) -> None:
    answers = ResponseParser()
    assert answers.feed(b"HTTP/1.1 401 X\r\nContent-Length: 5\r\n"[:cut]) is None
    assert not answers.refused
    with pytest.raises(HttpError):
        answers.end()
