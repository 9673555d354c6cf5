"""Refusals of API servers and of proxies in front of them."""

import pytest

from rackwatt_exporter.reading import Reason
from rackwatt_exporter.schedulers.kubernetes.errors import grant, refusal


@pytest.mark.parametrize(
    ("status", "body", "reason", "message"),
    [
        (401, b'{"message":"Unauthorized"}', Reason.AUTH_FAILED, "Unauthorized"),
        (403, b'{"message":"pods is forbidden"}', Reason.PRIVILEGE_INSUFFICIENT, "forbidden"),
        (404, b"<html>nginx</html>", Reason.BAD_REPLY, "status 404: <html>nginx"),
        (429, b'{"message":"too many requests"}', Reason.BAD_REPLY, "too many requests"),
        (500, b"\xff\x1b[2J", Reason.BAD_REPLY, "status 500"),
        (503, b"[" * 100_000, Reason.BAD_REPLY, "status 503"),
        (403, b'{"forbidden": true}', Reason.PRIVILEGE_INSUFFICIENT, '{"forbidden": true} (docs'),
        (401, b"", Reason.AUTH_FAILED, "token or certificate: status 401, without a word"),
    ],
)
def test_a_refusal_has_its_reason_and_the_words_of_the_server(
    status: int, body: bytes, reason: Reason, message: str
) -> None:
    error = refusal(status, body, "/api/v1/pods")
    assert error.reason is reason
    assert message in str(error)
    assert str(error).isprintable()


def test_the_account_that_lacks_a_right_is_the_subject_of_what_grants_it() -> None:
    message = 'nodes is forbidden: User "system:serviceaccount:power:sb-prod" cannot list resource'
    assert "--serviceaccount=power:sb-prod`" in grant(message)
    assert "--user=jane@example.org`" in grant('User "jane@example.org" cannot list')


@pytest.mark.parametrize("name", ["x`; rm -rf ~ #", "$(reboot)", "system:serviceaccount:a:b;c"])
def test_a_name_that_a_shell_would_read_is_not_repeated(name: str) -> None:
    assert "--user=USER`" in grant(f'User "{name}" cannot list')
