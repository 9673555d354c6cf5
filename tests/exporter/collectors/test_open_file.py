from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.collectors.open_file import number, signed
from rackwatt_exporter.reading import ReadError, Reason


@given(st.binary(max_size=40))
def test_a_number_of_garbage_is_a_bad_reply(text: bytes) -> None:
    try:
        found = number(text, Path("energy_uj"), "microjoules")
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
        assert "not microjoules" in str(error)
    else:
        assert str(found).encode() == text.strip().lstrip(b"0") or found == 0


@given(st.binary(max_size=40) | st.integers().map(lambda whole: b"%d\n" % whole))
def test_a_signed_number_of_garbage_is_a_bad_reply(text: bytes) -> None:
    try:
        found = signed(text, Path("power1_input"))
    except ReadError as error:
        assert error.reason is Reason.BAD_REPLY
    else:
        assert int(text) == found
