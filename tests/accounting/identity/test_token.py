"""Tokens of OpenID Connect and Grafana: which are taken, and every way to forge one."""

import base64
import hmac
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, OKPKey, RSAKey

from rackwatt_accounting.identity.keys import Keys, parse_keys
from rackwatt_accounting.identity.problem import RefusedError
from rackwatt_accounting.identity.token import SKEW_S, Expected, Verifier
from tests.accounting.identity.asking import asking
from tests.accounting.identity.issuing import AUDIENCE, Issuer, Signing, ec_key, issuing

ALICE = [200, ["alice", "alice", "oidc", False]]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def oidc(issuer: Issuer, claim: str = "uid") -> dict[str, Any]:
    return {"oidc": {"issuer": issuer.url, "audience": AUDIENCE, "userClaim": claim}}


def encoded(part: Any) -> str:
    text = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


async def test_oidc_takes_the_claim_that_the_document_names() -> None:
    async with issuing() as issuer, asking(oidc(issuer)) as server:
        assert list(await server.get(bearer(issuer.token({"uid": "alice"})))) == ALICE
        both = issuer.token({"uid": "alice", "aud": ["other", AUDIENCE]})
        assert list(await server.get({"authorization": f"bearer {both}"})) == ALICE


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (RSAKey.generate_key(2048, {"kid": "k"}), "RS256"),
        (RSAKey.generate_key(2048, {"kid": "k"}), "PS384"),
        (ECKey.generate_key("P-521", {"kid": "k"}), "ES512"),
        (OKPKey.generate_key("Ed25519", {"kid": "k"}), "Ed25519"),
    ],
)
async def test_oidc_takes_every_listed_kind_of_key(key: Signing, algorithm: str) -> None:
    async with issuing() as issuer, asking(oidc(issuer)) as server:
        issuer.keys = [key]
        token = issuer.token({"uid": "alice"}, {"alg": algorithm})
        assert list(await server.get(bearer(token))) == ALICE


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"exp": int(time.time()) - SKEW_S - 5}, "token_expired"),
        ({"exp": None}, "bad_token"),
        ({"exp": "tomorrow"}, "bad_token"),
        ({"exp": True}, "bad_token"),
        ({"nbf": int(time.time()) + SKEW_S + 600}, "bad_token"),
        ({"iat": int(time.time()) + SKEW_S + 600}, "bad_token"),
        ({"iss": "https://other.example"}, "bad_token"),
        ({"iss": None}, "bad_token"),
        ({"aud": "another-client"}, "bad_token"),
        ({"aud": None}, "bad_token"),
        ({"aud": []}, "bad_token"),
        ({"uid": None}, "no_name"),
        ({"uid": ""}, "no_name"),
        ({"uid": ["alice"]}, "no_name"),
        ({"uid": {"toString": "alice"}}, "no_name"),
        ({"uid": "alice,root"}, "bad_name"),
        ({"uid": " alice"}, "bad_name"),
        ({"uid": "alice\u0000"}, "bad_name"),
        ({"uid": "a" * 300}, "bad_name"),
    ],
)
async def test_oidc_refuses_claims_that_do_not_hold(claims: dict[str, Any], reason: str) -> None:
    async with issuing() as issuer, asking(oidc(issuer)) as server:
        status, body = await server.get(bearer(issuer.token({"uid": "alice", **claims})))
        assert status == 401
        assert set(body) == {"type", "title", "status", "detail"}
        assert server.counts == {reason: 1}


async def test_oidc_allows_for_clocks_that_differ() -> None:
    async with issuing() as issuer, asking(oidc(issuer)) as server:
        now = int(time.time())
        late = {"uid": "alice", "exp": now - SKEW_S // 2, "nbf": now + SKEW_S // 2}
        assert list(await server.get(bearer(issuer.token(late)))) == ALICE


async def test_oidc_takes_an_email_only_when_it_is_verified() -> None:
    async with issuing() as issuer, asking(oidc(issuer, "email")) as server:
        claims: dict[str, Any] = {"email": "a@example.org"}
        for verified, status in ((True, 200), (False, 401), ("true", 401), (None, 401)):
            token = issuer.token({**claims, "email_verified": verified})
            assert (await server.get(bearer(token)))[0] == status


def forged(issuer: Issuer) -> dict[str, str]:
    """Make a token for each known way to forge one."""
    now = int(time.time())
    claims = {"iss": issuer.url, "aud": AUDIENCE, "iat": now, "exp": now + 600, "uid": "root"}
    key = issuer.keys[0]
    public = key.as_dict(private=False)
    head, body, _ = issuer.token({"uid": "alice"}).split(".")
    other = ec_key("one")
    pem = key.as_pem(private=False) if isinstance(key, ECKey) else b""
    tokens = {
        "none": f"{encoded({'alg': 'none', 'kid': 'one'})}.{encoded(claims)}.",
        "None": f"{encoded({'alg': 'None', 'kid': 'one'})}.{encoded(claims)}.",
        "no algorithm": f"{encoded({'kid': 'one'})}.{encoded(claims)}.",
        "other body": f"{head}.{encoded(claims)}.{issuer.token({'uid': 'alice'}).split('.')[2]}",
        "no signature": f"{head}.{body}.",
        "zero signature": f"{head}.{body}.{encoded(bytes(64))}",
        "another's key": issuer.token({"uid": "root"}, key=other),
        "an embedded key": issuer.token({"uid": "root"}, {"jwk": other.as_dict(private=False)}, other),
        "a key elsewhere": issuer.token({"uid": "root"}, {"jku": "http://127.0.0.1:1/"}, other),
        "an unknown id": issuer.token({"uid": "root"}, {"kid": "../../etc/passwd"}, other),
        "an id that is no text": f"{encoded({'alg': 'ES256', 'kid': 1})}.{body}.{encoded(bytes(64))}",
        "another type": issuer.token({"uid": "root"}, {"typ": "logout+jwt"}),
        "a critical extension": f"{encoded({'alg': 'ES256', 'kid': 'one', 'crit': ['x'], 'x': 1})}.{body}.{encoded(bytes(64))}",
        "an unencoded body": f"{encoded({'alg': 'ES256', 'kid': 'one', 'crit': ['b64'], 'b64': False})}.{body}.{encoded(bytes(64))}",
        "an array": f"{head}.{encoded([1])}.{encoded(bytes(64))}",
        "deep": f"{head}.{encoded(b'[' * 5000)}.{encoded(bytes(64))}",
        "deep header": f"{encoded(b'[' * 5000)}.{body}.{encoded(bytes(64))}",
        "empty": "",
        "dots": "...",
        "words": "alice",
        "long": "a" * 20_000,
    }  # fmt: skip
    # HMAC, keyed by what is public of the key: as PEM, and as JSON. By hand: the library refuses.
    for name, secret in (("pem", pem), ("json", json.dumps(public).encode())):
        for algorithm, digest in (("HS256", "sha256"), ("HS512", "sha512")):
            text = f"{encoded({'alg': algorithm, 'kid': 'one'})}.{encoded(claims)}"
            signature = hmac.digest(secret, text.encode(), digest)
            tokens[f"{algorithm} {name}"] = f"{text}.{encoded(signature)}"
    return tokens


async def test_oidc_refuses_every_forged_token() -> None:
    async with issuing() as issuer, asking(oidc(issuer)) as server:
        for kind, token in forged(issuer).items():
            if not token or len(token) > 8000:  # no header, or 400 by the server itself
                continue
            status, _ = await server.get(bearer(token))
            assert status == 401, kind
        assert list(await server.get(bearer(issuer.token({"uid": "alice"})))) == ALICE


async def test_a_verifier_refuses_every_forged_token_by_itself() -> None:
    issuer = Issuer()
    issuer.url = "https://id.example"

    async def fetch() -> Any:
        return parse_keys(json.dumps(issuer.jwks()).encode())

    verifier = Verifier(Keys(fetch), Expected(issuer=issuer.url, audience=AUDIENCE))
    for kind, token in forged(issuer).items():
        with pytest.raises(RefusedError):
            pytest.fail(f"{kind}: {await verifier.claims(token)}")
    assert (await verifier.claims(issuer.token({"uid": "alice"})))["uid"] == "alice"


@given(st.binary(max_size=60), st.integers(0, 400), st.integers(0, 255))
async def test_a_token_with_a_changed_byte_is_refused_or_says_the_same(
    noise: bytes, place: int, byte: int
) -> None:
    issuer = Issuer()

    async def fetch() -> Any:
        return parse_keys(json.dumps(issuer.jwks()).encode())

    verifier = Verifier(Keys(fetch), Expected(audience=AUDIENCE))
    token = issuer.token({"uid": "alice", "iss": "x"})
    at = place % len(token)
    for text in (token[:at] + chr(byte) + token[at + 1 :], noise.decode("latin-1"),
                 token[:at] + noise.decode("latin-1") + token[at:]):  # fmt: skip
        try:
            claims = await verifier.claims(text)
        except RefusedError:
            continue
        assert claims["uid"] == "alice"


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
async def test_a_key_that_names_its_algorithm_is_used_with_no_other(algorithm: str) -> None:
    async with issuing() as issuer, asking(oidc(issuer)) as server:
        key = RSAKey.generate_key(2048, {"kid": "one", "alg": "RS256"})
        issuer.keys = [key]
        signed = RSAKey.import_key({**key.as_dict(private=True), "alg": algorithm})
        token = issuer.token({"uid": "alice"}, {"alg": algorithm}, signed)
        assert (await server.get(bearer(token)))[0] == (200 if algorithm == "RS256" else 401)


async def test_two_bearer_tokens_are_refused() -> None:
    async with issuing() as issuer, asking(oidc(issuer)) as server:
        one, other = issuer.token({"uid": "alice"}), issuer.token({"uid": "bob"})
        both = [*bearer(one).items(), *bearer(other).items()]
        assert (await server.get(both))[0] == 401
        assert server.counts == {"several_tokens": 1}


async def test_a_password_is_no_bearer_token() -> None:
    async with issuing() as issuer, asking(oidc(issuer)) as server:
        status, body = await server.get({"Authorization": "Basic YWxpY2U6eA=="})
        assert (status, server.counts) == (401, {"no_identity": 1})
        assert body["title"] == "Unauthorized"


def grafana_token(issuer: Issuer, **claims: Any) -> dict[str, str]:
    """Make an ID token with the claims that Grafana gives."""
    given = {
        "iss": "http://grafana.example/", "aud": "org:1", "sub": "user:u1", "identifier": "u1",
        "type": "user", "namespace": "default", "username": "alice", "email": "a@example.org",
        "authenticatedBy": "password", **claims,
    }  # fmt: skip
    return {"X-Grafana-Id": issuer.token(given, {"typ": claims.pop("typ", "jwt")})}


async def test_grafana_s_token_of_a_person_gives_the_login() -> None:
    async with issuing() as issuer, asking({"grafana": {"url": issuer.url + "/"}}) as server:
        assert await server.get(grafana_token(issuer)) == (
            200,
            ["alice", "alice", "grafana", False],
        )
        assert issuer.paths == ["/api/signing-keys/keys"]


@pytest.mark.parametrize("kind", ["service-account", "anonymous", "render", "api-key", None, 1])
async def test_grafana_s_token_of_anything_but_a_person_is_refused(kind: object) -> None:
    async with issuing() as issuer, asking({"grafana": {"url": issuer.url}}) as server:
        assert (await server.get(grafana_token(issuer, type=kind)))[0] == 401
        assert server.counts == {"no_person": 1}


async def test_grafana_s_access_token_is_no_id_token() -> None:
    async with issuing() as issuer, asking({"grafana": {"url": issuer.url}}) as server:
        claims = {"type": "user", "username": "alice"}
        token = issuer.token(claims, {"typ": "at+jwt"})
        assert (await server.get({"X-Grafana-Id": token}))[0] == 401
        assert server.counts == {"bad_type": 1}


async def test_grafana_s_token_is_of_one_algorithm() -> None:
    async with issuing() as issuer, asking({"grafana": {"url": issuer.url}}) as server:
        issuer.keys = [RSAKey.generate_key(2048, {"kid": "one"})]
        claims = {"type": "user", "username": "alice"}
        token = issuer.token(claims, {"typ": "jwt", "alg": "RS256"})
        assert (await server.get({"X-Grafana-Id": token}))[0] == 401
        assert server.counts == {"bad_algorithm": 1}


async def test_a_token_is_of_no_use_in_the_header_of_another_way() -> None:
    async with issuing() as issuer, issuing() as grafana:
        document = {**oidc(issuer), "grafana": {"url": grafana.url}}
        async with asking(document) as server:
            id_token = grafana_token(grafana, uid="alice")["X-Grafana-Id"]
            assert (await server.get(bearer(id_token)))[0] == 401
            token = issuer.token({"uid": "alice", "type": "user", "username": "alice"})
            assert (await server.get({"X-Grafana-Id": token}))[0] == 401
