from pathlib import Path

import pytest

from rackwatt_exporter.config.secrets import Secrets, authorization, basic_authorization
from rackwatt_exporter.reading import ReadError, Reason


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "bmc").mkdir()
    (tmp_path / "bmc" / "password").write_text("first\n")
    return tmp_path


def test_a_key_is_read_again_each_time_without_the_last_newline(directory: Path) -> None:
    secrets = Secrets(directory)
    assert secrets.read("bmc", "password") == b"first"
    (directory / "bmc" / "password").write_text(" second ")
    assert secrets.read("bmc", "password") == b" second "


@pytest.mark.parametrize(
    ("secret", "key", "message"),
    [
        ("bmc", "username", "bmc/username"),
        ("none", "password", "none/password"),
        (None, "password", "credentials.secretRef"),
    ],
)
def test_a_missing_secret_is_named(
    directory: Path, secret: str | None, key: str, message: str
) -> None:
    with pytest.raises(ReadError, match=message) as caught:
        Secrets(directory).read(secret, key)
    assert caught.value.reason is Reason.CREDENTIALS_MISSING


@pytest.fixture
def login(tmp_path: Path) -> Path:
    (tmp_path / "prometheus").mkdir()
    return tmp_path / "prometheus"


def test_a_token_counts_before_a_password(login: Path) -> None:
    (login / "username").write_text("reader")
    (login / "password").write_text("sécret\n")
    secrets = Secrets(login.parent)
    basic = {"Authorization": "Basic cmVhZGVyOnPDqWNyZXQ="}
    assert authorization(secrets, "prometheus") == basic
    (login / "token").write_text("a.b-c\n")
    assert authorization(secrets, "prometheus") == {"Authorization": "Bearer a.b-c"}
    assert basic_authorization(secrets, "prometheus") == basic


@pytest.mark.parametrize("token", ["", "two words", "two\nlines", "\x00", "schlüssel"])
def test_a_token_that_no_header_can_have_is_not_quoted(login: Path, token: str) -> None:
    (login / "token").write_text(token)
    with pytest.raises(ReadError) as caught:
        authorization(Secrets(login.parent), "prometheus")
    assert caught.value.reason is Reason.CREDENTIALS_MISSING
    assert "Secret prometheus, key token" in str(caught.value)
    assert not token or token not in str(caught.value)


def test_a_secret_without_a_log_in_names_the_user(login: Path) -> None:
    with pytest.raises(ReadError, match="prometheus/username"):
        authorization(Secrets(login.parent), "prometheus")
