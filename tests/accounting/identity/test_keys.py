"""Keys of an issuer: fetched seldom, found by id, kept for a time where the issuer is down."""

import asyncio
import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import OctKey, RSAKey

from rackwatt_accounting.identity.keys import FRESH_S, KEPT_S, Keys, PublicKey, parse_keys
from rackwatt_accounting.identity.problem import RefusedError
from rackwatt_exporter.reading import ReadError, Reason
from tests.accounting.identity.asking import asking
from tests.accounting.identity.issuing import ec_key, issuing
from tests.accounting.identity.test_token import bearer, oidc


class Peer:
    """What keys are server of, and when it is."""

    def __init__(self) -> None:
        self.keys: Sequence[PublicKey] = [ec_key("one")]
        self.is_down = False
        self.fetched = 0
        self.now_s = 1000.0

    async def fetch(self) -> Sequence[PublicKey]:
        self.fetched += 1
        await asyncio.sleep(0)
        if self.is_down:
            raise ReadError(Reason.TIMEOUT, "no response in time")
        return self.keys

    def clock(self) -> float:
        return self.now_s


def keys_of(peer: Peer) -> Keys:
    return Keys(peer.fetch, peer.clock)


async def refused(keys: Keys, key_id: str | None) -> str:
    with pytest.raises(RefusedError) as caught:
        await keys.find(key_id)
    return caught.value.reason


async def test_keys_are_fetched_once_for_many_requests() -> None:
    peer = Peer()
    keys = keys_of(peer)
    await asyncio.gather(*(keys.find("one") for _ in range(100)))
    assert peer.fetched == 1


async def test_keys_that_rotate_are_found_by_their_new_id() -> None:
    peer = Peer()
    keys = keys_of(peer)
    await keys.find("one")
    peer.keys = [ec_key("two")]
    peer.now_s += 31
    assert (await keys.find("two")).kid == "two"
    assert await refused(keys, "one") == "unknown_key"


async def test_keys_are_not_fetched_for_each_id_that_is_made_up() -> None:
    peer = Peer()
    keys = keys_of(peer)
    for number in range(1000):
        assert await refused(keys, f"made-up-{number}") == "unknown_key"
    assert peer.fetched == 1
    peer.now_s += 31
    await asyncio.gather(*(refused(keys, f"more-{number}") for number in range(100)))
    assert peer.fetched == 2


async def test_keys_of_an_issuer_that_is_down_hold_for_a_day_and_no_longer() -> None:
    peer = Peer()
    keys = keys_of(peer)
    await keys.find("one")
    peer.is_down = True
    peer.now_s += KEPT_S - 1
    assert (await keys.find("one")).kid == "one"
    peer.now_s += 2
    assert await refused(keys, "one") == "keys_unavailable"
    peer.is_down = False
    peer.now_s += 31
    assert (await keys.find("one")).kid == "one"


async def test_keys_that_were_withdrawn_end_when_they_are_no_longer_fresh() -> None:
    peer = Peer()
    keys = keys_of(peer)
    await keys.find("one")
    peer.keys = [ec_key("two")]
    peer.now_s += FRESH_S
    assert await refused(keys, "one") == "unknown_key"


async def test_keys_that_never_came_are_no_verdict_about_a_token() -> None:
    peer = Peer()
    peer.is_down = True
    with pytest.raises(RefusedError) as caught:
        await keys_of(peer).find("one")
    assert (caught.value.status, caught.value.reason) == (503, "keys_unavailable")


async def test_a_token_without_a_key_id_is_that_of_the_only_key() -> None:
    peer = Peer()
    assert (await keys_of(peer).find(None)).kid == "one"
    peer.keys = [ec_key("one"), ec_key("two")]
    assert await refused(keys_of(peer), None) == "unknown_key"


async def test_two_keys_with_one_id_are_none() -> None:
    peer = Peer()
    peer.keys = [ec_key("one"), ec_key("one")]
    assert await refused(keys_of(peer), "one") == "unknown_key"


def parsed(*entries: Any) -> list[str | None]:
    return [key.kid for key in parse_keys(json.dumps({"keys": entries}).encode())]


def test_a_key_set_gives_public_keys_for_signatures_alone() -> None:
    good = ec_key("good").as_dict(private=False)
    assert parsed(good) == ["good"]
    assert parsed({**good, "use": "enc"}) == []
    assert parsed({**good, "key_ops": ["encrypt"]}) == []
    assert parsed(ec_key("private").as_dict(private=True)) == []
    assert parsed({"kty": "oct", "k": "c2VjcmV0", "kid": "shared"}) == []
    assert parsed(OctKey.generate_key(256, {"kid": "shared"}).as_dict(private=True), good) == [
        "good"
    ]
    assert parsed({**good, "x": "!"}, {"kty": "EC"}, {"kty": "new"}, {}, good) == ["good"]
    assert parsed({**good, "x": 5}, {**good, "crv": "P-1"}) == []


def test_a_key_set_s_weak_keys_are_left_out() -> None:
    number = rsa.generate_private_key(65537, 1024).public_key().public_numbers().n
    modulus = base64.urlsafe_b64encode(number.to_bytes(128, "big")).rstrip(b"=").decode()
    weak = {"kty": "RSA", "kid": "weak", "e": "AQAB", "n": modulus}
    strong = RSAKey.generate_key(2048, {"kid": "strong"}).as_dict(private=False)
    assert parsed(weak, strong) == ["strong"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"keys": 1}', b'{"keys": [1]}', b"\xff"])
def test_a_key_set_that_is_none_is_a_bad_reply(body: bytes) -> None:
    with pytest.raises(ReadError) as caught:
        parse_keys(body)
    assert caught.value.reason is Reason.BAD_REPLY


def test_a_key_set_of_a_grafana_whose_keys_are_elsewhere_is_empty() -> None:
    assert list(parse_keys(b'{"keys":null}')) == []


async def test_an_issuer_that_names_itself_otherwise_is_refused() -> None:
    async with issuing() as issuer, asking(oidc(issuer)) as server:
        issuer.claimed_issuer = "https://evil.example"
        status, _ = await server.get(bearer(issuer.token({"uid": "alice"})))
        assert (status, server.counts) == (503, {"keys_unavailable": 1})


async def test_an_issuer_s_redirects_are_not_followed() -> None:
    async with issuing() as issuer, asking(oidc(issuer)) as server:
        issuer.status = 302
        assert (await server.get(bearer(issuer.token({"uid": "alice"}))))[0] == 503
        assert issuer.paths == ["/.well-known/openid-configuration"]


async def test_an_issuer_s_keys_are_read_where_it_says_that_they_are() -> None:
    async with issuing() as issuer, issuing() as elsewhere, asking(oidc(issuer)) as server:
        issuer.keys_url = f"{elsewhere.url}/some/keys"
        elsewhere.keys = issuer.keys
        assert (await server.get(bearer(issuer.token({"uid": "alice"}))))[0] == 200
        assert elsewhere.paths == ["/some/keys"]
