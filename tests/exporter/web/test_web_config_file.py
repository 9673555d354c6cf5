"""A web configuration with the files that it names: keys, certificates, authorities."""

import json
import subprocess
from pathlib import Path

import pytest

from rackwatt_exporter.web.web_config_file import fingerprint, read
from tests.exporter.web.tls_files import MUTUAL, TLS, Certified, broken


@pytest.fixture
def certified(tmp_path: Path) -> Certified:
    return Certified(tmp_path)


def test_a_key_that_is_not_the_certificates_is_reported(certified: Certified) -> None:
    path = certified.write(tls_server_config=TLS)
    certified.authority.issue_cert("other").private_key_pem.write_to_path(
        str(certified.directory / "server.key")
    )
    assert "the key does not match the certificate" in broken(path)
    (certified.directory / "server.pem").write_text("garbage")
    assert "no PEM" in broken(path)


def test_authorities_that_are_none_are_reported(certified: Certified) -> None:
    path = certified.write(tls_server_config=MUTUAL)
    for garbage in (b"garbage", b"\xff\xfe"):
        certified.authority_file.write_bytes(garbage)
        assert "client_ca_file: contains no certificates" in broken(path)


def test_a_key_with_a_password_is_reported_and_does_not_prompt(certified: Certified) -> None:
    key, locked = certified.directory / "server.key", certified.directory / "locked.key"
    files = ["-in", str(key), "-out", str(locked)]
    command = ["openssl", "pkey", *files, "-aes256", "-passout", "pass:x"]
    subprocess.run(command, check=True, capture_output=True)
    path = certified.write(tls_server_config={**TLS, "key_file": "locked.key"})
    assert "the key has a password" in broken(path)


def test_pem_may_stand_in_the_file_itself_and_equals_what_its_files_hold(
    certified: Certified,
) -> None:
    inline = {
        "cert": (certified.directory / "server.pem").read_text(),
        "key": (certified.directory / "server.key").read_text(),
        "client_ca": certified.authority_file.read_text(),
        "client_auth_type": "RequireAndVerifyClientCert",
    }
    assert read(certified.write(tls_server_config=inline)).tls is not None
    first = read(certified.write(tls_server_config=TLS))
    assert first == read(certified.web_config)
    certified.renew()
    assert first != read(certified.web_config)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"a: b\n---\nc: d\n", "several documents"),
        (b"basic_auth_users: {a: b", "not YAML"),
        (b"basic_auth_users: {}\nbasic_auth_users: {}\n", "is given twice"),
        (b"\xff\xfe", "utf-8"),
    ],
)
def test_text_that_is_no_web_configuration_says_why(
    tmp_path: Path, text: bytes, reason: str
) -> None:
    path = tmp_path / "web.yml"
    path.write_bytes(text)
    assert reason in broken(path)


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, ".", "/proc/1/mem/x", "\ud800"])
def test_a_name_that_no_file_has_is_a_problem_and_has_a_state(tmp_path: Path, name: str) -> None:
    path = tmp_path / "web.yml"
    path.write_text(json.dumps({"tls_server_config": {**TLS, "cert_file": name}}))
    assert broken(path)
    assert fingerprint(path) == fingerprint(path)


def test_the_state_changes_with_the_file_and_with_each_that_it_names(certified: Certified) -> None:
    path = certified.write(tls_server_config=TLS)
    seen = {fingerprint(path)}
    for change in (certified.renew, (certified.directory / "server.key").unlink, path.unlink):
        change()
        seen.add(fingerprint(path))
    assert len(seen) == 4


def test_a_file_that_is_not_there_is_reported(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in broken(tmp_path / "web.yml")


def test_an_authority_of_ones_own_is_the_only_one_that_counts(certified: Certified) -> None:
    made = read(certified.write(tls_server_config=MUTUAL)).tls
    assert made is not None
    (authority,) = made.get_ca_certs()
    assert "trustme" in str(authority["subject"])
