"""A peer that echoes what it was sent: no secret of a request is in what is quoted of its response."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.http.error_words import error_words
from rackwatt_exporter.protocols.http.redaction import Redaction

TOKEN = "eyJhbGciOi.J9.c2VjcmV0"
PASSWORD = 'pa"ss<w>\\ord'
PAIR = base64.b64encode(f"admin:{PASSWORD}".encode()).decode()
SENT = [
    {"Authorization": f"Bearer {TOKEN}"},
    {"X-Auth-Token": TOKEN},
    {"X-SLURM-USER-TOKEN": TOKEN},
    {"X-Gateway-Key": TOKEN},
]


@pytest.mark.parametrize("headers", SENT)
@pytest.mark.parametrize("status", [200, 302, 401, 403, 500])
@pytest.mark.parametrize(
    "said", ["%s", "token %s is refused", '{"message": "bad token: %s"}', "<title>%s</title>"]
)
def test_a_token_that_is_echoed_is_not_quoted(
    headers: dict[str, str], status: int, said: str
) -> None:
    body = Redaction(headers).body((said % TOKEN).encode(), status)
    assert TOKEN not in error_words(body)
    assert "(redacted)" in error_words(body)


@pytest.mark.parametrize(
    "echoed",
    [PAIR, f"Basic {PAIR}", f"admin:{PASSWORD}", PASSWORD, "pa\\\"ss<w>\\\\ord",
     "pa&quot;ss&lt;w&gt;\\ord", "pa%22ss%3Cw%3E%5Cord"],
)  # fmt: skip
def test_a_password_is_not_quoted_in_any_form(echoed: str) -> None:
    by_header = Redaction({"Authorization": f"Basic {PAIR}"})
    assert echoed.encode() not in by_header.body(f"refused: {echoed}.".encode(), 401)


def test_the_password_of_a_log_in_is_not_quoted() -> None:
    body = b'{"auth": {"identity": {"password": {"user": {"password": "hush-hush"}}}}}'
    redaction = Redaction({"Accept": "application/json"}, body)
    assert redaction.body(b"no user with hush-hush", 401) == b"no user with (redacted)"
    redfish = Redaction({}, b'{"UserName": "admin", "Password": "hush-hush"}')
    assert redfish.body(b"admin, hush-hush", 400) == b"admin, (redacted)"


def test_a_redirect_that_echoes_a_token_is_not_quoted_and_a_new_token_is_kept() -> None:
    redaction = Redaction({"X-Auth-Token": TOKEN})
    headers = {"location": f"/login?token={TOKEN}", "x-auth-token": TOKEN, "age": "3"}
    found = redaction.headers(headers)
    assert found == headers | {"location": "/login?token=(redacted)"}


@pytest.mark.parametrize("name", ["OpenStack-API-Version", "X-OpenStack-Ironic-API-Version"])
def test_the_version_that_a_service_refuses_is_quoted(name: str) -> None:
    said = b"Version 2.87 is not supported"
    assert Redaction({name: "compute 2.87"}).body(said, 406) == said


def test_data_keeps_words_that_a_short_password_has_too() -> None:
    pair = base64.b64encode(b"admin:4100").decode()
    body = b'{"PowerConsumedWatts": 4100}'
    assert Redaction({"Authorization": f"Basic {pair}"}).body(body, 200) == body


@given(st.binary(max_size=200), st.text(max_size=30), st.integers(100, 599))
def test_whatever_is_sent_and_received_has_no_secret_afterwards(
    body: bytes, value: str, status: int
) -> None:
    secret = value.encode("utf-8", "surrogatepass").decode("utf-8", "ignore")
    echoed = body + secret.encode() + body
    hidden = Redaction({"Authorization": secret}).body(echoed, max(status, 300))
    assert (
        len(secret.encode()) < 4
        or secret.encode() in b"(redacted)"
        or secret.encode() not in hidden
    )
