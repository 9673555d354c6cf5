"""Who refuses a request, slurmrestd or what is before it, and what the message says of that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.protocols.http.client import HttpResponse
from rackwatt_exporter.reading import MAX_MESSAGE, Reason
from rackwatt_exporter.remedies import remedy_of
from rackwatt_exporter.schedulers.slurm.rest_errors import VersionError, refusal

PATH = "/slurm/v0.0.40/nodes"
NGINX = b"<html><head><title>%s</title></head><body><center>nginx</center></body></html>"


@pytest.mark.parametrize(
    ("status", "headers", "body", "reason", "words"),
    [
        (401, {}, b"Authentication failure", Reason.AUTH_FAILED, ["slurmrestd refuses the log-in"]),
        (
            401,
            {"server": "nginx/1.24.0", "www-authenticate": 'Basic realm="hpc"'},
            NGINX % b"401 Authorization Required",
            Reason.AUTH_FAILED,
            ["nginx/1.24.0", "401 Authorization Required", "wants Basic", "before slurmrestd"],
        ),
        (
            403,
            {},
            b"RBAC: access denied",
            Reason.AUTH_FAILED,
            [PATH, "403", "RBAC: access denied", "or a gateway before it"],
        ),
        (
            401,
            {},
            b'{"message":"No API key found in request"}',
            Reason.AUTH_FAILED,
            [PATH, "401", "No API key found in request", "or a gateway before it"],
        ),
        (
            407,
            {"server": "squid"},
            b'{"error": {"detail": "ask the proxy"}}',
            Reason.AUTH_FAILED,
            [PATH, "407", "by squid", "ask the proxy"],
        ),
        (403, {"server": "cloudflare"}, b"", Reason.AUTH_FAILED, ["cloudflare", "`headers`"]),
        (403, {}, NGINX % b"Forbidden", Reason.AUTH_FAILED, ["Forbidden", "before slurmrestd"]),
        (
            302,
            {"server": "Apache", "location": "https://login.example:8443/sso?token=hush"},
            b"",
            Reason.BAD_REPLY,
            ["redirected by Apache to https://login.example:8443/sso:"],
        ),
        (307, {"location": "/login"}, b"", Reason.BAD_REPLY, ["redirected to /login"]),
        (301, {"location": "https://[::1"}, b"", Reason.BAD_REPLY, ["status 301"]),
        (502, {"server": "nginx"}, b"", Reason.UNREACHABLE, ["nginx", "502", "behind it"]),
        (504, {}, NGINX % b"504 Gateway Time-out", Reason.UNREACHABLE, ["504 Gateway Time-out"]),
        (503, {}, b"", Reason.BAD_REPLY, ["status 503"]),
        (418, {"server": "pot"}, b"", Reason.BAD_REPLY, ["status 418 by pot"]),
    ],
)
def test_a_refusal_says_who_answered_and_what_helps(
    status: int, headers: dict[str, str], body: bytes, reason: Reason, words: list[str]
) -> None:
    error = refusal(HttpResponse(status, body, 0.1, headers), PATH)
    assert error.reason is reason
    assert all(word in str(error) for word in words), str(error)
    assert "hush" not in str(error)


@pytest.mark.parametrize("status", [404, 501])
def test_a_version_that_is_not_there_is_gone(status: int) -> None:
    for body in (b"Unable find requested URL.", b'{"errors": [{"error": "No such path"}]}'):
        error = refusal(HttpResponse(status, body, 0.1), PATH)
        assert isinstance(error, VersionError)
        assert error.gone
        assert PATH in str(error)


@pytest.mark.parametrize(
    ("status", "headers", "body", "words"),
    [
        (302, {"location": "https://login.example/"}, b"", "headers"),
        (403, {"server": "envoy"}, b"RBAC: access denied", "headers"),
        (500, {}, b'{"errors": [{"error_number": 7000, "error": "no"}]}', "slurmdbd"),
        (200, {}, b'{"errors": [{"error": "Slow down"}]}', "run the same one as the same user"),
    ],
)
def test_the_remedy_is_that_of_slurmrestd_and_of_the_cause(
    status: int, headers: dict[str, str], body: bytes, words: str
) -> None:
    remedy = remedy_of(refusal(HttpResponse(status, body, 0.1, headers), PATH), "schedulers")
    assert words in remedy
    assert "BMC" not in remedy


@given(
    st.integers(100, 599),
    st.dictionaries(
        st.sampled_from(["server", "location", "www-authenticate"]), st.text(), max_size=3
    ),
    st.binary(),
)
def test_any_refusal_has_a_message_that_can_be_printed(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    message = str(refusal(HttpResponse(status, body, 0.1, headers), PATH))
    assert message.isprintable()
    assert len(message) <= MAX_MESSAGE
    assert 200 <= status < 300 or str(status) in message or "redirected" in message
