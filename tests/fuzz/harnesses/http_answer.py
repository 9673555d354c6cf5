"""HTTP answers: whole or byte by byte, the same answer, or none; and never one that is too large."""

from contextlib import suppress

from rackwatt_exporter.protocols.http.parser import (
    MAX_RESPONSE,
    HttpError,
    RawResponse,
    ResponseParser,
)


def examine(data: bytes) -> None:
    """Feed the bytes at once and one by one, then end the connection."""
    at_once = _first(ResponseParser(), [data])
    one_by_one = _first(ResponseParser(), [data[i : i + 1] for i in range(len(data))])
    assert at_once == one_by_one
    if at_once is not None:
        assert 200 <= at_once.status < 1000
        assert len(at_once.body) <= MAX_RESPONSE
        assert all(name == name.lower() for name in at_once.headers)


def _first(answers: ResponseParser, pieces: list[bytes]) -> RawResponse | None:
    with suppress(HttpError):
        for piece in pieces:
            if answer := answers.feed(piece):
                return answer
        return answers.end()
    return None
