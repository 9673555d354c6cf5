"""Words of a peer, whatever they are, on one line that can be printed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.printable import MAX_WORDS, printable
from rackwatt_exporter.reading import ReadError, Reading, Reason

ANYTHING = st.text(st.characters(exclude_categories=())) | st.binary(max_size=2000)


@given(ANYTHING, st.integers(1, 400))
def test_any_words_are_printable_bounded_and_stay_as_they_are(
    words: str | bytes, limit: int
) -> None:
    text = printable(words, limit)
    assert text.isprintable()
    assert len(text) <= limit
    assert printable(text, limit) == text
    text.encode()


@given(ANYTHING)
def test_a_message_and_a_source_can_be_printed_whatever_a_peer_sent(words: str | bytes) -> None:
    text = words if isinstance(words, str) else words.decode("latin-1")
    assert str(ReadError(Reason.BAD_REPLY, f"it says {text}")).isprintable()
    assert Reading(1.0, f"sensor:{text}").source.isprintable()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("a sensor's Name 1 °C", "a sensor's Name 1 °C"),
        (b"PSU1 PIN\0\0", "PSU1 PIN\ufffd\ufffd"),
        (b" two\r\n  lines\t", "two lines"),
        ("\x1b[2Jcleared", "\ufffd[2Jcleared"),
        ("\u202eturned", "\ufffdturned"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        ("\udcff", "\ufffd"),
        ("", ""),
        ("\u00a0", ""),
        ("x" * (MAX_WORDS + 1), "x" * (MAX_WORDS - 1) + "…"),
    ],
)
def test_what_cannot_be_printed_is_marked(words: str | bytes, text: str) -> None:
    assert printable(words) == text


def test_a_megabyte_of_a_peer_is_cut_before_it_is_looked_at() -> None:
    assert len(printable(b"\x1b" * 2**20)) == MAX_WORDS


def test_a_reading_with_a_plain_source_is_left_as_it_is() -> None:
    source = "Chassis/1/Power#PowerControl/0"
    assert Reading(1.0, source).source is source
