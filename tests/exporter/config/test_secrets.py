from pathlib import Path

import pytest

from rackwatt_exporter.config.secrets import Secrets
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
