"""Tokens: what Slurm makes of its key, we make too. Slurm's own tokens are the oracle."""

import base64
import hmac
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.config.options import SecretKey
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.reading import ReadError, Reason
from rackwatt_exporter.schedulers.slurm.auth import (
    LIFE_S,
    FileToken,
    SignedToken,
    TokenTimes,
    first_to_expire,
    sign_jwt,
    token_times,
)
from tests.peers.slurm import SlurmCluster

KEY = SecretKey("slurm", "key")


def decoded(part: str) -> dict[str, object]:
    padded = part + "=" * (-len(part) % 4)
    found: dict[str, object] = json.loads(base64.urlsafe_b64decode(padded))
    return found


def written(directory: Path, content: bytes) -> Secrets:
    (directory / "slurm").mkdir(exist_ok=True)
    (directory / "slurm" / "key").write_bytes(content)
    return Secrets(directory)


def test_our_token_has_the_form_of_slurms_own(stage: SlurmCluster) -> None:
    theirs = stage.token(600).split(".")
    ours = sign_jwt(stage.jwt_key.read_bytes(), "root", 1_800_000_000, 600).split(".")
    assert decoded(ours[0]) == decoded(theirs[0])
    claims, known = decoded(ours[1]), decoded(theirs[1])
    assert claims.keys() == known.keys()
    assert claims["sun"] == known["sun"]
    assert claims == {"sun": "root", "iat": 1_800_000_000, "exp": 1_800_000_600}


def test_the_times_of_slurms_own_tokens_and_of_ours_are_read(stage: SlurmCluster) -> None:
    token = stage.token(600)
    claims = decoded(token.split(".")[1])
    assert token_times(token) == (claims["iat"], claims["exp"])
    assert token_times(sign_jwt(b"key", "root", 1_000.9, 600)) == TokenTimes(1_000, 1_600)


def token_with(payload: bytes) -> str:
    return f"a.{base64.urlsafe_b64encode(payload).rstrip(b'=').decode()}.b"


@pytest.mark.parametrize(
    ("text", "times"),
    [
        (token_with(b'{"exp": 1600.5}'), TokenTimes(None, 1600)),
        (token_with(b'{"iat": "1000", "exp": null}'), TokenTimes()),
        (token_with(b'{"iat": true, "exp": -1}'), TokenTimes()),
        (token_with(b'{"exp": 1e400}'), TokenTimes()),
        (token_with(b"[1]"), TokenTimes()),
        (token_with(b"[" * 100_000), TokenTimes()),
        ("a.!.b", TokenTimes()),
        ("opaque", TokenTimes()),
    ],
)
def test_a_token_without_times_has_none(text: str, times: TokenTimes) -> None:
    assert token_times(text) == times


def test_of_several_tokens_the_first_to_expire_counts_and_one_without_an_end_never_does() -> None:
    early, late = (token_with(b'{"iat": 1, "exp": %d}' % end) for end in (100, 200))
    endless = token_with(b'{"iat": 7}')
    for tokens in ((early, late), (late, "opaque", early), (early, endless)):
        assert first_to_expire(tokens) == TokenTimes(1, 100)
    assert first_to_expire(("hpc", endless)) == TokenTimes(7, None)
    assert first_to_expire(()) == first_to_expire(("opaque",)) == TokenTimes()


@given(st.text() | st.binary().map(token_with))
def test_any_text_has_the_times_of_a_token_or_none(text: str) -> None:
    assert all(time_s is None or time_s >= 1 for time_s in token_times(text))


def test_more_claims_are_in_our_token_and_never_in_place_of_slurms_own() -> None:
    more = (("iss", "rackwatt"), ("sun", "root"), ("exp", "never"))
    claims = decoded(sign_jwt(b"key", "watt", 1_000, 600, more).split(".")[1])
    assert claims == {"iss": "rackwatt", "sun": "watt", "iat": 1_000, "exp": 1_600}


def test_a_token_is_reused_for_most_of_its_lifetime_and_then_replaced(tmp_path: Path) -> None:
    now = [1000.0]
    token = SignedToken(KEY, "root", written(tmp_path, b"key"), lambda: now[0])
    first = token.get()
    now[0] += 0.79 * LIFE_S
    assert token.get() == first
    now[0] += 0.02 * LIFE_S
    second = token.get()
    assert second != first
    assert decoded(second.split(".")[1])["exp"] == int(now[0]) + LIFE_S


def test_a_rotated_key_counts_from_the_next_token_on(tmp_path: Path) -> None:
    token = SignedToken(KEY, "root", written(tmp_path, b"old"), lambda: 1000.0)
    first = token.get()
    written(tmp_path, b"new")
    assert token.get() == first
    token.invalidate()
    assert token.get() == sign_jwt(b"new", "root", 1000.0)


@pytest.mark.parametrize("content", [b"", b"\n"])
def test_an_empty_token_file_is_credentials_missing(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ReadError) as caught:
        FileToken(KEY, written(tmp_path, content)).get()
    assert caught.value.reason is Reason.CREDENTIALS_MISSING


def test_an_empty_key_is_credentials_missing(tmp_path: Path) -> None:
    with pytest.raises(ReadError) as caught:
        SignedToken(KEY, "root", written(tmp_path, b"")).get()
    assert caught.value.reason is Reason.CREDENTIALS_MISSING


def test_a_missing_key_is_credentials_missing(tmp_path: Path) -> None:
    with pytest.raises(ReadError) as caught:
        SignedToken(KEY, "root", Secrets(tmp_path)).get()
    assert caught.value.reason is Reason.CREDENTIALS_MISSING


@given(st.binary())
def test_any_token_file_is_fit_for_a_header_or_credentials_missing(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    secrets = written(tmp_path_factory.mktemp("any"), content)
    try:
        token = FileToken(KEY, secrets).get()
    except ReadError as error:
        assert error.reason is Reason.CREDENTIALS_MISSING
    else:
        assert token.isascii()
        assert token.isprintable()
        assert " " not in token


@given(st.binary(min_size=1), st.text(), st.integers(0, 2**40))
def test_any_token_is_signed_over_its_key(key: bytes, user: str, now_s: int) -> None:
    header, claims, signature = sign_jwt(key, user, now_s).split(".")
    expected = hmac.digest(key, f"{header}.{claims}".encode(), "sha256")
    assert base64.urlsafe_b64encode(expected).rstrip(b"=").decode() == signature
    assert decoded(claims)["sun"] == user
