import shutil
import string
import subprocess
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rackwatt_exporter.web.web_config import CIPHER_SUITES, parse_web_config
from rackwatt_exporter.web.web_config_file import read
from tests.exporter.web.tls_files import GOS_HASH, MUTUAL, TLS, WebFiles, problems_in


@pytest.fixture
def web_files(tmp_path: Path) -> WebFiles:
    return WebFiles(tmp_path)


def problems_of(config: object) -> list[str]:
    _, problems = parse_web_config(config)
    return [str(problem) for problem in problems]


def promtool(path: Path) -> bool:
    """Whether exporter-toolkit itself, in Prometheus' tool, takes the file."""
    tool = shutil.which("promtool")
    assert tool, "the Debian package prometheus is missing: make setup"
    done = subprocess.run(
        [tool, "check", "web-config", str(path)], capture_output=True, check=False
    )
    return done.returncode == 0


TAKEN = {
    "nothing": {},
    "tls": {"tls_server_config": TLS},
    "clients": {"tls_server_config": MUTUAL},
    "clients if they like": {
        "tls_server_config": {**MUTUAL, "client_auth_type": "VerifyClientCertIfGiven"}
    },
    "versions and suites": {
        "tls_server_config": {
            **TLS,
            "min_version": "TLS12",
            "max_version": "TLS13",
            "prefer_server_cipher_suites": False,
            "cipher_suites": [
                "TLS_AES_128_GCM_SHA256",
                "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
                "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
                "TLS_RSA_WITH_AES_256_GCM_SHA384",
            ],
        }
    },
    "headers": {
        "http_server_config": {
            "http2": False,
            "headers": {
                "Content-Security-Policy": "default-src 'self'",
                "X-Frame-Options": "sameorigin",
                "X-Content-Type-Options": "nosniff",
                "X-XSS-Protection": "",
                "Strict-Transport-Security": "max-age=31536000",
            },
        }
    },
    "users": {"basic_auth_users": {"prometheus": GOS_HASH, "grafana": GOS_HASH}},
}


@pytest.mark.parametrize("config", TAKEN.values(), ids=TAKEN)
def test_a_configuration_that_exporter_toolkit_accepts_is_accepted(
    web_files: WebFiles, config: object
) -> None:
    path = web_files.directory / "web.yml"
    path.write_text(yaml.safe_dump(config))
    assert promtool(path)
    read(path)


REFUSED = {
    "a typing mistake": (
        {"tls_server_config": {**TLS, "cert_fil": "x"}},
        "tls_server_config.cert_fil: unknown field; did you mean cert_file?",
    ),
    "a key at the top": (
        {"basic_auth_user": {}},
        "basic_auth_user: unknown field; did you mean basic_auth_users?",
    ),
    "a header": (
        {"http_server_config": {"headers": {"X-Frame-Option": "deny"}}},
        "http_server_config.headers.X-Frame-Option: unknown field; did you mean X-Frame-Options?",
    ),
    "a header's value": (
        {"http_server_config": {"headers": {"X-Frame-Options": "allow"}}},
        "http_server_config.headers.X-Frame-Options: unknown value 'allow'",
    ),
    "no key": (
        {"tls_server_config": {"cert_file": "server.pem"}},
        "tls_server_config.key_file: is missing",
    ),
    "no certificate": (
        {"tls_server_config": {"client_auth_type": "NoClientCert"}},
        "tls_server_config.cert_file: is missing",
    ),
    "an authority for nothing": (
        {"tls_server_config": {**TLS, "client_ca_file": "authority.pem"}},
        "tls_server_config.client_auth_type: must be RequireAndVerifyClientCert where",
    ),
    "a policy": (
        {"tls_server_config": {**MUTUAL, "client_auth_type": "RequireClientCerts"}},
        "did you mean RequireClientCert?",
    ),
    "a suite": (
        {"tls_server_config": {**TLS, "cipher_suites": ["TLS_AES_128_GCM_SHA257"]}},
        "tls_server_config.cipher_suites[0]: unknown cipher suite 'TLS_AES_128_GCM_SHA257'; "
        "did you mean TLS_AES_128_GCM_SHA256?",
    ),
    "a version": (
        {"tls_server_config": {**TLS, "min_version": "TLS14"}},
        "tls_server_config.min_version: unknown value 'TLS14'",
    ),
    "a password in the clear": (
        {"basic_auth_users": {"prometheus": "hunter2"}},
        "basic_auth_users.prometheus: is not a bcrypt hash: create one with `htpasswd -nBC 10 NAME`",
    ),
    "a file that is not there": (
        {"tls_server_config": {**TLS, "cert_file": "none.pem"}},
        "none.pem: No such file or directory",
    ),
    "a list": (["tls_server_config"], "is not a web configuration"),
}


@pytest.mark.parametrize(("config", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_configuration_that_exporter_toolkit_rejects_is_rejected_with_its_path(
    web_files: WebFiles, config: object, reason: str
) -> None:
    path = web_files.directory / "web.yml"
    path.write_text(yaml.safe_dump(config))
    assert not promtool(path)
    problems = problems_in(path)
    assert str(path) in problems
    assert reason in problems


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"tls_server_config": {**MUTUAL, "client_auth_type": "RequireAnyClientCert"}}, "does not verify clients"),
        ({"tls_server_config": {**TLS, "client_auth_type": "RequestClientCert"}}, "does not verify clients"),
        ({"tls_server_config": {**MUTUAL, "client_ca_file": None}}, "client_ca_file: is missing"),
        ({"tls_server_config": {**TLS, "min_version": "TLS10"}}, "is deprecated (RFC 8996)"),
        ({"tls_server_config": {**TLS, "curve_preferences": ["X25519"]}}, "is not supported"),
        ({"tls_server_config": {**TLS, "client_allowed_sans": ["a"]}}, "needs client_auth_type"),
        ({"tls_server_config": {**TLS, "min_version": "TLS13", "max_version": "TLS12"}}, "is less than min_version"),
        ({"tls_server_config": {**TLS, "max_version": "TLS12", "cipher_suites": ["TLS_AES_128_GCM_SHA256"]}}, "none of these is a suite of TLS 1.2"),
        ({"tls_server_config": {**TLS, "cert": "PEM"}}, "must not be given together"),
        ({"rate_limit": {"interval": "1s", "burst": 5}}, "--web.max-requests"),
        ({"basic_auth_users": {"a": GOS_HASH.replace("$10$", "$31$")}}, "cost must be from 4 to 18"),
        ({"basic_auth_users": {"a:b": GOS_HASH}}, "without a colon"),
        ({"basic_auth_users": {1: GOS_HASH}}, "quote printable text"),
        ({"basic_auth_users": {"a\ud800": GOS_HASH}}, "printable"),
        ({"http_server_config": {"headers": {"X-XSS-Protection": "1\n"}}}, "on one line"),
        ({"http_server_config": {"headers": {"Content-Security-Policy": "a\r\nX: b"}}}, "on one line"),
    ],
)  # fmt: skip
def test_an_unsupported_setting_is_rejected_with_its_reason(config: object, reason: str) -> None:
    (line,) = problems_of(config)
    assert reason in line


def test_all_problems_are_reported_at_once() -> None:
    config = {
        "tls_server_config": {"cert_file": "a", "min_version": "TLS11", "cipher_suites": ["x"]},
        "basic_auth_users": {"a": "b", "c": "d"},
    }
    assert [line.split(":")[0] for line in problems_of(config)] == [
        "basic_auth_users.a",
        "basic_auth_users.c",
        "tls_server_config.key_file",
        "tls_server_config.min_version",
        "tls_server_config.cipher_suites[0]",
    ]


@pytest.mark.parametrize(
    "config",
    [
        {"basic_auth_users": {"a": "hunter2"}},
        {"basic_auth_users": {"a": 1234567}},
        {"basic_auth_users": ["hunter2"]},
        {"basic_auth_users": "a:hunter2"},
        {"tls_server_config": {"key": ["hunter2"], "cert": "x"}},
        {"tls_server_config": {"key": {"hunter2": 1}, "cert": {}}},
        "a:hunter2",
    ],
)
def test_no_problem_quotes_a_password_or_a_key(config: object) -> None:
    said = " ".join(problems_of(config))
    assert said
    assert "hunter2" not in said
    assert "1234567" not in said


@pytest.mark.parametrize(
    "config",
    [
        {f"basic_auth_users{{a :{GOS_HASH}": None},
        {"basic_auth_users": {f"prometheus:{GOS_HASH}": "x"}},
        {"basic_auth_users": {f"prometheus {GOS_HASH}": None}},
    ],
)
def test_a_hash_that_a_slip_made_part_of_a_name_is_not_quoted_either(config: object) -> None:
    said = " ".join(problems_of(config))
    assert "(a hash)" in said
    assert GOS_HASH[7:30] not in said


def test_openssl_knows_every_suite_by_the_name_given_here() -> None:
    listed = subprocess.run(
        ["openssl", "ciphers", "-stdname", "ALL:@SECLEVEL=0"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    pairs = dict(line.split()[:3:2] for line in listed.splitlines())
    for iana, name in CIPHER_SUITES.items():
        assert pairs[iana] == (name or iana)  # TLS 1.3 has one name for both


plain = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(string.printable, max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "tls_server_config",
                    "basic_auth_users",
                    "http_server_config",
                    "headers",
                    "cert",
                    "key",
                    "cipher_suites",
                    "min_version",
                    "client_auth_type",
                    "X-Frame-Options",
                ]
            )
            | st.integers(),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(plain)
def test_any_data_is_a_web_configuration_or_has_problems(raw: object) -> None:
    config, problems = parse_web_config(raw)
    assert (config is None) == bool(problems)
