"""Web configuration: the YAML of Prometheus' exporter-toolkit.

A file for node_exporter works here as well. A setting that Python's ssl module does not support is
an error: no security setting is ignored. No problem quotes a key or a hash
 (prometheus/exporter-toolkit/docs/web-configuration.md).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

import msgspec

from rackwatt_crds.decoding import Problem, decode
from rackwatt_crds.wording import did_you_mean

MAX_COST = 18
_HASH = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_LIKE_HASH = re.compile(r"\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]*")
_Header = Annotated[
    str,
    msgspec.Meta(pattern=r"^[\x20-\x7e]*\Z", description="It must be printable ASCII on one line."),
]
_UNVERIFIED = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")
_UNSUPPORTED = {
    "tls_server_config.curve_preferences": "OpenSSL's own preference is used: remove it",
    "rate_limit": "--web.max-requests limits concurrent requests: remove it",
}

# Go's names of the configurable suites (crypto/tls, CipherSuites), and OpenSSL's. Those of TLS 1.3,
# None here, are always enabled in both.
CIPHER_SUITES: Mapping[str, str | None] = {
    "TLS_AES_128_GCM_SHA256": None,
    "TLS_AES_256_GCM_SHA384": None,
    "TLS_CHACHA20_POLY1305_SHA256": None,
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
}


class TlsServer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Server certificate and verification of clients, as PEM or as a file."""

    cert: Any = None
    cert_file: str | None = None
    key: Any = None
    key_file: str | None = None
    client_ca: Any = None
    client_ca_file: str | None = None
    client_auth_type: (
        Literal[
            "NoClientCert",
            "VerifyClientCertIfGiven",
            "RequireAndVerifyClientCert",
            "RequestClientCert",
            "RequireAnyClientCert",
            "RequireClientCert",
        ]
        | None
    ) = None
    client_allowed_sans: list[str] | None = None
    min_version: Literal["TLS10", "TLS11", "TLS12", "TLS13"] | None = None
    max_version: Literal["TLS10", "TLS11", "TLS12", "TLS13"] | None = None
    cipher_suites: list[str] | None = None
    prefer_server_cipher_suites: bool = True
    curve_preferences: Any = None


class HeaderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Headers of every response; an empty value removes the default."""

    content_security_policy: _Header | None = msgspec.field(
        name="Content-Security-Policy", default=None
    )
    frame_options: Literal["deny", "sameorigin"] | None = msgspec.field(
        name="X-Frame-Options", default=None
    )
    content_type_options: Literal["nosniff"] | None = msgspec.field(
        name="X-Content-Type-Options", default=None
    )
    xss_protection: _Header | None = msgspec.field(name="X-XSS-Protection", default=None)
    strict_transport_security: _Header | None = msgspec.field(
        name="Strict-Transport-Security", default=None
    )


class HttpServer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of HTTP. The server speaks HTTP/1.1, whatever `http2` allows."""

    http2: bool = True
    headers: HeaderSettings = HeaderSettings()


class WebConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The configuration file."""

    tls_server_config: TlsServer | None = None
    http_server_config: HttpServer = HttpServer()
    basic_auth_users: Any = None
    rate_limit: Any = None


def parse_web_config(raw: Any) -> tuple[WebConfig | None, list[Problem]]:
    """Parse plain data as a web configuration; None where it has problems, with all of them."""
    if raw is None:
        return WebConfig(), []
    if not isinstance(raw, Mapping):
        return None, [Problem("", "is not a web configuration: expected an object")]
    config, problems = decode(raw, WebConfig)
    if config is not None:
        problems += _problems(config)
    return (None if problems else config), [_without_hash(each) for each in problems]


def _without_hash(problem: Problem) -> Problem:
    """Keep what a slip of YAML made part of a name out of the log."""
    path, reason = (_LIKE_HASH.sub("(a hash)", text) for text in (problem.path, problem.reason))
    return replace(problem, path=path, reason=reason)


def _problems(config: WebConfig) -> Iterator[Problem]:
    if config.rate_limit is not None:
        yield _unsupported("rate_limit")
    yield from _of_users(config.basic_auth_users)
    if config.tls_server_config is not None:
        yield from _of_tls(config.tls_server_config)


def _unsupported(path: str) -> Problem:
    return Problem(path, f"is not supported; {_UNSUPPORTED[path]}")


def _of_users(users: Any) -> Iterator[Problem]:
    if users is None:
        return
    if not isinstance(users, Mapping):
        yield Problem("basic_auth_users", "expected names, each with the bcrypt hash of a password")
        return
    for name, hashed in users.items():
        if not isinstance(name, str) or ":" in name or not name.isprintable():
            reason = f"{name!a:.60} is not a user name: quote printable text without a colon"
            yield Problem("basic_auth_users", reason)
            continue
        match = _HASH.fullmatch(hashed) if isinstance(hashed, str) else None
        if match is None:
            reason = "is not a bcrypt hash: create one with `htpasswd -nBC 10 NAME`"
            yield Problem(f"basic_auth_users.{name}", reason)
        elif not 4 <= int(match[1]) <= MAX_COST:
            reason = f"its cost must be from 4 to {MAX_COST}, found {int(match[1])}"
            yield Problem(f"basic_auth_users.{name}", reason)


def _of_tls(tls: TlsServer) -> Iterator[Problem]:
    at = "tls_server_config"
    if tls.curve_preferences is not None:
        yield _unsupported(f"{at}.curve_preferences")
    enabled = tls != TlsServer()
    for name in ("cert", "key", "client_ca"):
        inline, file = getattr(tls, name), getattr(tls, f"{name}_file")
        if inline is not None and not isinstance(inline, str):
            yield Problem(f"{at}.{name}", "expected PEM as text")
        elif inline and file:
            yield Problem(f"{at}.{name}", f"must not be given together with {name}_file")
        elif enabled and name != "client_ca" and not inline and not file:
            yield Problem(f"{at}.{name}_file", "is missing")
    yield from _of_clients(tls)
    yield from _of_versions(tls)
    for index, suite in enumerate(tls.cipher_suites or ()):
        if suite not in CIPHER_SUITES:
            reason = (
                f"unknown cipher suite {suite!r:.80}; {did_you_mean(suite, list(CIPHER_SUITES))}"
            )
            yield Problem(f"{at}.cipher_suites[{index}]", reason)


def _of_clients(tls: TlsServer) -> Iterator[Problem]:
    at, kind = "tls_server_config.client_auth_type", tls.client_auth_type or "NoClientCert"
    authority = tls.client_ca or tls.client_ca_file
    if kind in _UNVERIFIED:
        reason = "does not verify clients: use RequireAndVerifyClientCert"
        yield Problem(at, f"{kind} {reason}")
    elif kind != "NoClientCert" and not authority:
        yield Problem("tls_server_config.client_ca_file", f"is missing: {kind} needs it")
    elif kind == "NoClientCert" and authority:
        yield Problem(at, "must be RequireAndVerifyClientCert where client_ca_file is given")
    if tls.client_allowed_sans and kind != "RequireAndVerifyClientCert":
        reason = "needs client_auth_type RequireAndVerifyClientCert"
        yield Problem("tls_server_config.client_allowed_sans", reason)


def _of_versions(tls: TlsServer) -> Iterator[Problem]:
    for name in ("min_version", "max_version"):
        if getattr(tls, name) in ("TLS10", "TLS11"):
            reason = "is deprecated (RFC 8996): use TLS12 or TLS13"
            yield Problem(f"tls_server_config.{name}", f"{getattr(tls, name)} {reason}")
    if (tls.min_version or "TLS12") > (tls.max_version or "TLS13"):
        reason = f"{tls.max_version} is less than min_version"
        yield Problem("tls_server_config.max_version", reason)
    chosen = tls.cipher_suites or ()
    if chosen and tls.max_version == "TLS12" and not any(CIPHER_SUITES.get(s, s) for s in chosen):
        yield Problem("tls_server_config.cipher_suites", "none of these is a suite of TLS 1.2")
