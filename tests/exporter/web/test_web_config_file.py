"""Web configuration files with the keys, certificates and authorities that they name."""

import json
import subprocess
from pathlib import Path

import pytest

from rackwatt_exporter.web.web_config_file import fingerprint, read
from tests.exporter.web.tls_files import MUTUAL, TLS, WebFiles, problems_in


@pytest.fixture
def web_files(tmp_path: Path) -> WebFiles:
    return WebFiles(tmp_path)


def test_a_key_of_another_certificate_is_reported(web_files: WebFiles) -> None:
    path = web_files.write(tls_server_config=TLS)
    web_files.authority.issue_cert("other").private_key_pem.write_to_path(
        str(web_files.directory / "server.key")
    )
    assert "the key does not match the certificate" in problems_in(path)
    (web_files.directory / "server.pem").write_text("garbage")
    assert "no PEM" in problems_in(path)


def test_invalid_authorities_are_reported(web_files: WebFiles) -> None:
    path = web_files.write(tls_server_config=MUTUAL)
    for garbage in (b"garbage", b"\xff\xfe"):
        web_files.authority_file.write_bytes(garbage)
        assert "client_ca_file: contains no certificates" in problems_in(path)


def test_a_key_with_a_password_is_reported_and_does_not_prompt(web_files: WebFiles) -> None:
    key, locked = web_files.directory / "server.key", web_files.directory / "locked.key"
    files = ["-in", str(key), "-out", str(locked)]
    command = ["openssl", "pkey", *files, "-aes256", "-passout", "pass:x"]
    subprocess.run(command, check=True, capture_output=True)
    path = web_files.write(tls_server_config={**TLS, "key_file": "locked.key"})
    assert "the key has a password" in problems_in(path)


def test_inline_pem_equals_the_same_pem_in_files(
    web_files: WebFiles,
) -> None:
    inline = {
        "cert": (web_files.directory / "server.pem").read_text(),
        "key": (web_files.directory / "server.key").read_text(),
        "client_ca": web_files.authority_file.read_text(),
        "client_auth_type": "RequireAndVerifyClientCert",
    }
    assert read(web_files.write(tls_server_config=inline)).tls is not None
    first = read(web_files.write(tls_server_config=TLS))
    assert first == read(web_files.web_config)
    web_files.renew()
    assert first != read(web_files.web_config)


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
    assert reason in problems_in(path)


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, ".", "/proc/1/mem/x", "\ud800"])
def test_a_name_that_no_file_has_is_a_problem_and_has_a_state(tmp_path: Path, name: str) -> None:
    path = tmp_path / "web.yml"
    path.write_text(json.dumps({"tls_server_config": {**TLS, "cert_file": name}}))
    assert problems_in(path)
    assert fingerprint(path) == fingerprint(path)


def test_the_fingerprint_changes_with_the_file_and_with_each_that_it_names(
    web_files: WebFiles,
) -> None:
    path = web_files.write(tls_server_config=TLS)
    seen = {fingerprint(path)}
    for change in (web_files.renew, (web_files.directory / "server.key").unlink, path.unlink):
        change()
        seen.add(fingerprint(path))
    assert len(seen) == 4


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in problems_in(tmp_path / "web.yml")


def test_only_the_configured_authority_is_trusted(web_files: WebFiles) -> None:
    made = read(web_files.write(tls_server_config=MUTUAL)).tls
    assert made is not None
    (authority,) = made.get_ca_certs()
    assert "trustme" in str(authority["subject"])
