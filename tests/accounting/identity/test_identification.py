"""Identification over real connections: headers of proxies, certificates, acting, refusals."""

import logging
import ssl
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import trustme

from rackwatt_accounting.identity.caller import name_problem
from rackwatt_accounting.identity.client_certificate import name_in
from rackwatt_accounting.identity.problem import FORBIDDEN, RefusedError
from tests.accounting.identity.asking import asking
from tests.accounting.identity.issuing import issuing
from tests.accounting.identity.test_token import bearer, oidc

LOCAL = {"trustedHeader": {"from": ["127.0.0.0/8"]}}
ALICE = {"X-Grafana-User": "alice"}


def with_secret(directory: Path, token: str) -> dict[str, Any]:
    (directory / "proxy").mkdir()
    (directory / "proxy" / "token").write_text(token)
    return {"trustedHeader": {"from": ["127.0.0.0/8"], "secretRef": {"name": "proxy"}}}


async def test_a_trusted_header_gives_the_name_from_listed_addresses() -> None:
    async with asking(LOCAL) as server:
        assert await server.get(ALICE) == (200, ["alice", "alice", "trustedHeader", False])
        assert server.counts == {}


async def test_a_trusted_header_from_elsewhere_is_ignored_and_counted() -> None:
    async with asking({"trustedHeader": {"from": ["10.0.0.0/8", "::1/128"]}}) as server:
        forwarded = {**ALICE, "X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1",
                     "X-Real-IP": "10.0.0.1", "True-Client-IP": "10.0.0.1"}  # fmt: skip
        assert (await server.get(forwarded))[0] == 401
        assert server.counts == {"header_ignored": 1, "no_identity": 1}


async def test_a_trusted_header_s_network_is_also_that_of_mapped_addresses() -> None:
    async with asking(LOCAL, is_mapped=True) as server:
        assert (await server.get(ALICE))[0] == 200


async def test_a_trusted_header_has_another_name_where_the_document_says_so() -> None:
    document = {"trustedHeader": {"name": "X-Forwarded-User", "from": ["127.0.0.0/8"]}}
    async with asking(document) as server:
        assert (await server.get({"x-forwarded-user": "alice"}))[0] == 200
        assert (await server.get(ALICE))[0] == 401


async def test_a_trusted_header_that_no_document_opens_is_nothing() -> None:
    async with asking({"clientCertificate": {}}) as server:
        assert (await server.get(ALICE))[0] == 401


async def test_a_trusted_header_with_several_values_is_refused() -> None:
    async with asking(LOCAL) as server:
        twice = [("X-Grafana-User", "alice"), ("x-grafana-user", "root")]
        assert (await server.get(twice))[0] == 401
        assert (await server.get({"X-Grafana-User": "alice, root"}))[0] == 401
        assert server.counts == {"several_names": 1, "bad_name": 1}


async def test_a_trusted_header_that_is_empty_is_no_name() -> None:
    async with asking(LOCAL) as server:
        assert (await server.get({"X-Grafana-User": ""}))[0] == 401


async def test_a_trusted_header_needs_the_secret_where_there_is_one(tmp_path: Path) -> None:
    async with asking(with_secret(tmp_path, "s3cret\n"), tmp_path) as server:
        assert (await server.get({**ALICE, "X-Rackwatt-Token": "s3cret"}))[0] == 200
        for wrong in ({}, {"X-Rackwatt-Token": ""}, {"X-Rackwatt-Token": "s3cre"}):
            assert (await server.get({**ALICE, **wrong}))[0] == 401
        twice = [*ALICE.items(), ("X-Rackwatt-Token", "x"), ("X-Rackwatt-Token", "s3cret")]
        assert (await server.get(twice))[0] == 401
        assert server.counts == {"wrong_secret": 4}
        (tmp_path / "proxy" / "token").write_text("rotated")
        assert (await server.get({**ALICE, "X-Rackwatt-Token": "s3cret"}))[0] == 401
        assert (await server.get({**ALICE, "X-Rackwatt-Token": "rotated"}))[0] == 200


@pytest.mark.parametrize("token", ["", "\n"])
async def test_a_secret_that_is_empty_trusts_no_proxy(tmp_path: Path, token: str) -> None:
    async with asking(with_secret(tmp_path, token), tmp_path) as server:
        assert (await server.get({**ALICE, "X-Rackwatt-Token": ""}))[0] == 401


async def test_a_secret_that_is_missing_trusts_no_proxy_and_names_no_file(tmp_path: Path) -> None:
    document = with_secret(tmp_path, "x")
    (tmp_path / "proxy" / "token").unlink()
    async with asking(document, tmp_path) as server:
        status, body = await server.get({**ALICE, "X-Rackwatt-Token": "x"})
        assert status == 503
        assert str(tmp_path) not in str(body)


def contexts(
    authority: trustme.CA, client: trustme.LeafCert | None
) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    authority.configure_trust(server)
    server.verify_mode = ssl.CERT_OPTIONAL
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    if client is not None:
        client.configure_cert(trusting)
    return server, trusting


@pytest.mark.parametrize(
    ("common_name", "names", "status"),
    [("alice", ["host.example"], 200), (None, ["alice"], 200), (None, ["alice", "bob"], 401)],
)
async def test_a_client_certificate_gives_its_common_name_else_its_only_other_name(
    common_name: str | None, names: list[str], status: int
) -> None:
    authority = trustme.CA()
    client = authority.issue_cert(*names, common_name=common_name)
    tls, verify = contexts(authority, client)
    async with asking({"clientCertificate": {}}, tls=tls, verify=verify) as server:
        found, body = await server.get()
        assert found == status
        if status == 200:
            assert body == ["alice", "alice", "clientCertificate", False]


async def test_a_client_without_a_certificate_has_no_name() -> None:
    tls, verify = contexts(trustme.CA(), None)
    async with asking({"clientCertificate": {}}, tls=tls, verify=verify) as server:
        assert (await server.get())[0] == 401


@pytest.mark.parametrize(
    "certificate",
    [
        {},
        {"subject": ((("commonName", "alice"),), (("commonName", "root"),))},
        {"subject": ((("commonName", "alice"), ("commonName", "root")),)},
        {"subjectAltName": (("IP Address", "10.0.0.1"),)},
        {"subjectAltName": (("email", "alice"), ("DNS", "root"))},
    ],
)
def test_a_certificate_with_no_name_or_several_is_refused(certificate: dict[str, Any]) -> None:
    with pytest.raises(RefusedError):
        name_in(certificate)


async def test_two_identities_that_agree_are_one_by_the_first_way() -> None:
    async with issuing() as issuer, asking({**oidc(issuer), **LOCAL}) as server:
        token = bearer(issuer.token({"uid": "alice"}))
        assert await server.get({**token, **ALICE}) == (200, ["alice", "alice", "oidc", False])


async def test_two_identities_that_disagree_are_refused() -> None:
    async with issuing() as issuer, asking({**oidc(issuer), **LOCAL}) as server:
        token = bearer(issuer.token({"uid": "bob"}))
        assert (await server.get({**token, **ALICE}))[0] == 401
        assert server.counts == {"two_identities": 1}


async def test_an_invalid_token_is_refused_although_another_way_would_do() -> None:
    async with issuing() as issuer, asking({**oidc(issuer), **LOCAL}) as server:
        token = bearer(issuer.token({"uid": "alice", "exp": 1}))
        assert (await server.get({**token, **ALICE}))[0] == 401
        assert server.counts == {"token_expired": 1}


async def test_a_request_without_identity_is_answered_with_problem_details() -> None:
    async with asking(LOCAL) as server:
        response = await server.client.get(server.url + "/api/v2/usage")
        assert response.status_code == 401
        assert response.headers["Content-Type"] == "application/problem+json"
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="rackwatt"'
        assert response.headers["Cache-Control"] == "no-store"
        assert response.json() == {
            "type": "about:blank",
            "title": "Unauthorized",
            "status": 401,
            "detail": "the request does not show who asks",
        }


async def test_refusals_are_alike_for_what_exists_and_what_does_not() -> None:
    async with asking(LOCAL) as server:
        answers = [await server.get(path=path) for path in ("/api/v2/usage", "/nothing/here")]
        assert answers[0] == answers[1]


async def test_an_open_path_needs_no_caller_and_nothing_below_it_is_open() -> None:
    async with asking(LOCAL) as server:
        assert (await server.get(path="/healthz")) == (200, "open")
        for path in ("/healthz/", "/healthz/x", "//healthz"):
            assert (await server.get(path=path))[0] == 401


@pytest.mark.parametrize("header", ["X-Rackwatt-Act-As", "X-Dashboard-User"])
async def test_an_admin_acts_as_a_user_and_it_is_logged(
    header: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with asking(LOCAL, admins=["alice"]) as server:
        with caplog.at_level(logging.INFO, "rackwatt_accounting.audit"):
            answer = await server.get({**ALICE, header: "bob"})
        assert answer == (200, ["alice", "bob", "trustedHeader", True])
        (line,) = [one for one in caplog.records if one.name == "rackwatt_accounting.audit"]
        assert line.getMessage() == "alice acts as bob: GET /api/v2/usage from 127.0.0.1"


@pytest.mark.parametrize("header", ["X-Rackwatt-Act-As", "X-Dashboard-User"])
@pytest.mark.parametrize("user", ["bob", "no-such-user"])
async def test_no_other_user_acts_as_a_user_whether_that_exists_or_not(
    header: str, user: str
) -> None:
    async with asking(LOCAL, admins=["root"]) as server:
        status, body = await server.get({**ALICE, header: user})
        assert (status, body["detail"]) == (403, FORBIDDEN)


async def test_acting_as_oneself_is_not_acting() -> None:
    async with asking(LOCAL) as server:
        assert (await server.get({**ALICE, "X-Dashboard-User": "alice"}))[0] == 200


async def test_acting_as_two_users_is_refused() -> None:
    async with asking(LOCAL, admins=["alice"]) as server:
        both = {**ALICE, "X-Dashboard-User": "bob", "X-Rackwatt-Act-As": "carol"}
        assert (await server.get(both))[0] == 403
        assert (await server.get({**ALICE, "X-Dashboard-User": "bob,carol"}))[0] == 401


async def test_acting_needs_an_identity_of_one_s_own() -> None:
    async with asking(LOCAL, admins=["bob"]) as server:
        assert (await server.get({"X-Rackwatt-Act-As": "bob"}))[0] == 401


async def test_refusals_log_no_token(caplog: pytest.LogCaptureFixture) -> None:
    async with issuing() as issuer, asking(oidc(issuer)) as server:
        token = issuer.token({"uid": "alice", "exp": 1})
        with caplog.at_level(logging.DEBUG):
            await server.get(bearer(token))
            await server.get(bearer(token[:-9] + "A" * 9))
            await server.get(bearer(token.split(".")[0] + ".x.y"))
        assert Counter(server.counts).total() == 3
        ours = [one.getMessage() for one in caplog.records if one.name.startswith("rackwatt")]
        assert ours
        assert not [line for line in ours if token[-30:] in line or token[:30] in line]


@pytest.mark.parametrize("name", ["", None, 1, "a\nb", "a,b", "\u202ea", " a", "a\u00a0", "\udcff"])
def test_a_name_that_cannot_be_one_has_a_problem(name: object) -> None:
    assert name_problem(name)


@pytest.mark.parametrize("name", ["alice", "a.b@example.org", "DOMAIN\\alice", "żółw", "o'brien"])
def test_a_name_that_can_be_one_has_no_problem(name: str) -> None:
    assert name_problem(name) is None
