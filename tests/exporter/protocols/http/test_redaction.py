"""A peer that echoes what it was sent: no secret of a request is in what is quoted of its response."""

import base64
import html
import json
from collections.abc import Callable
from contextvars import copy_context
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.printable import printable
from rackwatt_exporter.protocols.http.error_words import error_words
from rackwatt_exporter.protocols.http.redaction import HIDDEN, quoted, sending

TOKEN = "eyJhbGciOi.J9.c2VjcmV0"
PASSWORD = 'Gehe!m/w"ört<1>\\ +&x'
PAIR = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
BASIC = {"Authorization": f"Basic {PAIR}"}
SENT = [
    {"Authorization": f"Bearer {TOKEN}"},
    {"X-Auth-Token": TOKEN},
    {"X-SLURM-USER-TOKEN": TOKEN},
    {"X-Gateway-Key": TOKEN},
]
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "in upper case": str.upper,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON of Go": lambda text: json.dumps(text)[1:-1].replace("&", "\\u0026"),
    "JSON of PHP": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON in JSON": lambda text: json.dumps(json.dumps(text))[3:-3],
    "JSON in JSON in UTF-8": lambda text: json.dumps(json.dumps(text, ensure_ascii=False))[3:-3],
    "a URL": lambda text: quote(text, safe=""),
    "a URL in lower case": lambda text: quote(text, safe="").lower(),
    "a URL in a URL": lambda text: quote(quote(text, safe="")),
    "a form": quote_plus,
    "HTML": html.escape,
    "HTML of Go": lambda text: html.escape(text).replace("&quot;", "&#34;"),
    "HTML in HTML": lambda text: html.escape(html.escape(text)),
    "Base64": lambda text: base64.b64encode(text.encode()).decode(),
    "Base64 of URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "UTF-8 taken for Latin-1": lambda text: text.encode().decode("latin-1"),
    "Latin-1 taken for UTF-8": lambda text: text.encode("latin-1").decode("utf-8", "replace"),
    "a header in Latin-1": lambda text: text.encode("latin-1").decode("utf-8", "surrogateescape"),
    "cut by the peer": lambda text: text[:-3],
}


def quoted_after(
    headers: dict[str, str], text: str | bytes, body: bytes | None = None, limit: int = 200
) -> str:
    """Quote a text in the context of a request."""

    def quote_it() -> str:
        sending(headers, body)
        return quoted(text, limit)

    return copy_context().run(quote_it)


@pytest.mark.parametrize("headers", SENT)
@pytest.mark.parametrize(
    "said", ["%s", "token %s is refused", '{"message": "bad token: %s"}', "<title>%s</title>"]
)
def test_a_token_that_is_echoed_is_not_quoted(headers: dict[str, str], said: str) -> None:
    def words() -> str:
        sending(headers)
        return error_words((said % TOKEN).encode())

    found = copy_context().run(words)
    assert TOKEN not in found
    assert HIDDEN in found


@pytest.mark.parametrize("spelled", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("said", ["%s", "refused: %s.", "%s, or %s"])
def test_a_password_is_not_quoted_in_any_spelling(spelled: Callable[[str], str], said: str) -> None:
    login = json.dumps({"UserName": "admin", "Password": PASSWORD}).encode()
    text = said.replace("%s", spelled(PASSWORD))
    for found in (quoted_after(BASIC, text), quoted_after({}, text, login)):
        assert found.replace("=", "") == said.replace("%s", HIDDEN)  # the padding of Base64


@pytest.mark.parametrize("echoed", [PAIR, f"Basic {PAIR}", f"admin:{PASSWORD}", PASSWORD])
def test_the_credentials_of_basic_are_not_quoted(echoed: str) -> None:
    assert quoted_after(BASIC, f"refused: {echoed}!") == f"refused: {HIDDEN}!"


def test_the_password_of_a_log_in_is_not_quoted() -> None:
    body = b'{"auth": {"identity": {"password": {"user": {"password": "hush-hush"}}}}}'
    accept = {"Accept": "application/json"}
    assert quoted_after(accept, b"no user with hush-hush", body) == f"no user with {HIDDEN}"
    redfish = b'{"UserName": "admin", "Password": "hush-hush"}'
    assert quoted_after({}, b"admin, hush-hush", redfish) == f"admin, {HIDDEN}"


@pytest.mark.parametrize(
    "secret", ["a", "x1", "abc", "p!", "\N{LATIN SMALL LETTER U WITH DIAERESIS}b"]
)
def test_a_short_secret_is_hidden_where_it_is_a_word_and_takes_no_word_apart(secret: str) -> None:
    login = json.dumps({"UserName": "admin", "Password": secret}).encode()
    basic = base64.b64encode(f"admin:{secret}".encode()).decode()
    for headers, body in (({"Authorization": f"Basic {basic}"}, None), ({}, login)):
        for said in ("%s", "refused: %s.", '{"Password":"%s"}', "root:%s@host", "no %s, nor %s"):
            found = quoted_after(headers, said.replace("%s", secret), body)
            assert found == said.replace("%s", HIDDEN)
        assert quoted_after(headers, f"x{secret}x", body) == f"x{secret}x"
        assert quoted_after(headers, "Unauthorized", body) == "Unauthorized"


@pytest.mark.parametrize("size", [20, 300, 3000])
@pytest.mark.parametrize("before", range(0, 230, 23))
def test_a_secret_that_the_end_of_the_words_divides_leaves_no_part(size: int, before: int) -> None:
    token = ("0123456789abcdefghijklmnopqrstuvwxyz" * 100)[:size]
    for times in (1, 100):
        found = quoted_after({"X-Auth-Token": token}, "." * before + token * times)
        assert "01234" not in found
        assert len(found) <= 200
        body = ("<title>" + "." * before + token * times + "</title>").encode()
        assert "01234" not in quoted_after({"X-Auth-Token": token}, body)


@pytest.mark.parametrize("name", ["OpenStack-API-Version", "X-OpenStack-Ironic-API-Version"])
def test_the_version_that_a_service_refuses_is_quoted(name: str) -> None:
    said = "Version 2.87 is not supported"
    assert quoted_after({name: "compute 2.87"}, said) == said


@pytest.mark.parametrize("headers", [{}, {"X-Auth-Token": "abc"}, {"X-Auth-Token": TOKEN}])
@given(st.text(max_size=300) | st.binary(max_size=300))
def test_words_without_a_secret_are_quoted_as_they_are(
    headers: dict[str, str], text: str | bytes
) -> None:
    assert quoted_after(headers, text) == printable(text)


@given(st.text(max_size=100), st.text(min_size=4, max_size=80), st.integers(1, 60))
def test_whatever_is_sent_and_received_has_no_secret_afterwards(
    text: str, secret: str, limit: int
) -> None:
    whole = quoted_after({"Authorization": secret}, text + secret + text, limit=2000)
    assert secret not in whole or secret in HIDDEN or secret in text.replace(secret, HIDDEN)
    assert len(quoted_after({"Authorization": secret}, text + secret + text, limit=limit)) <= limit


@pytest.mark.parametrize("character", ["\\", "%", "&", "a", '"', "%25", "&amp;"])
def test_a_peer_that_repeats_a_part_of_a_spelling_is_quoted_at_once(character: str) -> None:
    """Each repetition has a bound; without one this would take minutes."""
    text = character * 2**16
    assert quoted_after({"X-Auth-Token": 'a"%&\\/' * 8}, text) == printable(text)
