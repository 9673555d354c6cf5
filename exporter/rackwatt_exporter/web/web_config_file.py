"""Web configuration file with all files that it names, read as a whole or not at all."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import msgspec

from rackwatt_crds.yamltext import load_yaml
from rackwatt_exporter.web.tls import TlsFiles, build_context, load_files
from rackwatt_exporter.web.web_config import HeaderSettings, TlsServer, WebConfig, parse_web_config

Fingerprint = tuple[tuple[int, ...], ...]


class WebConfigError(Exception):
    """An invalid file; `problems` has every problem."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        super().__init__(f"{path}: {'; '.join(problems)}")
        self.problems = [f"{path}: {problem}" for problem in problems]


@dataclass(frozen=True, slots=True)
class WebConfigFile:
    """The content of a file; `tls` is built from `tls_files`."""

    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    tls_files: TlsFiles | None = None
    tls: "ssl.SSLContext | None" = field(default=None, compare=False)

    @property
    def allowed_sans(self) -> frozenset[str]:
        """The names of which a client's certificate must have one; empty for any."""
        settings = self.tls_files.settings if self.tls_files else TlsServer()
        return frozenset(settings.client_allowed_sans or ())

    def with_tls(self, tls: "ssl.SSLContext | None") -> Self:
        """Return a copy with another context, built from equal files."""
        return replace(self, tls=tls)

    def __str__(self) -> str:
        words = ["TLS" if self.tls else "no TLS", f"{len(self.users)} users"]
        if self.tls and self.tls.verify_mode is not ssl.CERT_NONE:
            words.append("client certificates")
        return ", ".join(words)


def read(path: Path) -> WebConfigFile:
    """Read a file and all files that it names.

    Raises:
        WebConfigError: the file is invalid; the error has every problem.
    """
    config = _config(path)
    try:
        tls_files = _tls_files(config, path)
        tls = build_context(tls_files) if tls_files else None
    except ValueError as error:
        raise WebConfigError(path, [str(error)]) from None
    named = msgspec.structs.fields(HeaderSettings)
    headers = {
        name.encode_name: value
        for name in named
        if (value := getattr(config.http_server_config.headers, name.name)) is not None
    }
    return WebConfigFile(dict(config.basic_auth_users or {}), headers, tls_files, tls)


def fingerprint(path: Path) -> Fingerprint:
    """Return the current state of a file and of all files that it names."""
    try:
        settings = _config(path).tls_server_config or TlsServer()
    except WebConfigError:
        settings = TlsServer()
    names = (settings.cert_file, settings.key_file, settings.client_ca_file)
    return tuple(
        _file_state(file) for file in (path, *(path.parent / name for name in names if name))
    )


def _file_state(file: Path) -> tuple[int, ...]:
    try:
        status = file.stat()
    except (OSError, ValueError):  # ValueError: an impossible file name
        return ()
    return status.st_mtime_ns, status.st_size, status.st_ino


def _config(path: Path) -> WebConfig:
    try:
        raws = load_yaml(path.read_bytes().decode()) or [None]
    except OSError as error:
        raise WebConfigError(path, [f"cannot be read: {error.strerror}"]) from None
    except ValueError as error:
        raise WebConfigError(path, [str(error)]) from None
    if len(raws) > 1:
        raise WebConfigError(path, ["has several documents: a web configuration is one document"])
    config, problems = parse_web_config(raws[0])
    if config is None:
        raise WebConfigError(path, [str(problem) for problem in problems])
    return config


def _tls_files(config: WebConfig, path: Path) -> TlsFiles | None:
    settings = config.tls_server_config
    return load_files(settings, path.parent) if settings not in (None, TlsServer()) else None
