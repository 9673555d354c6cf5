from argparse import ArgumentTypeError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_crds.cli.listening import listen_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":9123", ("", 9123)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("monitor.example.org:65535", ("monitor.example.org", 65535)),
        ("[::1]:9123", ("::1", 9123)),
        ("[2001:DB8::0:1]:80", ("2001:db8::1", 80)),
    ],
)
def test_an_address_is_read(text: str, address: tuple[str, int]) -> None:
    assert listen_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "9123", "localhost", "localhost:", ":65536", ":-1", ":9 ", ":²", "[::x]:1", "[]:1"]
)
def test_an_invalid_address_is_reported(text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        listen_address(text)


@given(st.text())
def test_any_words_are_an_address_or_an_error(text: str) -> None:
    try:
        _, port = listen_address(text)
    except ArgumentTypeError:
        return
    assert int(text.rpartition(":")[2]) == port <= 65535
