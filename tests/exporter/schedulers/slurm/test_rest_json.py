"""JSON as Slurm writes it."""

from typing import Any

import msgspec
import pytest

from rackwatt_exporter.schedulers.slurm.rest_json import decode_json, json_count

ANY = msgspec.json.Decoder(dict)


@pytest.mark.parametrize(
    "body", [b'{"level": Infinity}', b'{"level": Infinity, "x": 1}', b'{"level":Infinity\n}']
)
def test_infinity_which_is_no_json_is_the_number_that_newer_releases_answer(body: bytes) -> None:
    assert decode_json(ANY, body)["level"] == 2.0**64


def test_the_word_infinity_in_a_text_stays() -> None:
    assert decode_json(ANY, b'{"note": "to Infinity and on"}') == {"note": "to Infinity and on"}


@pytest.mark.parametrize("body", [b"", b"{", b"Infinity", b'{"level": -Infinity}', b"\xff"])
def test_what_is_no_json_otherwise_stays_an_error(body: bytes) -> None:
    with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)):
        decode_json(ANY, body)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (7, 7),
        ({"set": True, "infinite": False, "number": 7}, 7),
        ({"set": True, "infinite": True, "number": 0}, None),
        ({"set": False, "infinite": True, "number": 0}, None),
        ({"number": 7}, 7),
        (None, None),
        (True, None),
        ("7", None),
    ],
)
def test_a_number_is_plain_or_wrapped_and_one_that_is_infinite_or_not_set_is_none(
    value: Any, expected: int | None
) -> None:
    assert json_count(value) == expected
