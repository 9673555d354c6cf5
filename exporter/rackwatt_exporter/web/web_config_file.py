"""The web configuration as it is in force: read from its file whole, or not at all."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

import msgspec

from rackwatt_crds.yamltext import load_yaml
from rackwatt_exporter.web.tls import TlsFiles, context, material
from rackwatt_exporter.web.web_config import HeaderSettings, TlsServer, WebConfig, web_config

State = tuple[tuple[int, ...], ...]


class WebConfigError(Exception):
    """A file that cannot be used; `problems` are all that is wrong with it."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        super().__init__(f"{path}: {'; '.join(problems)}")
        self.problems = [f"{path}: {problem}" for problem in problems]


@dataclass(frozen=True, slots=True)
class WebConfigFile:
    """What a file says. Equal ones say the same; `tls` is made from `material`."""

    users: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    material: TlsFiles | None = None
    tls: ssl.SSLContext | None = field(default=None, compare=False)

    @property
    def allowed_sans(self) -> frozenset[str]:
        """The names of which a client's certificate must have one; none where any will do."""
        settings = self.material.settings if self.material else TlsServer()
        return frozenset(settings.client_allowed_sans or ())

    def with_tls(self, tls: ssl.SSLContext | None) -> Self:
        """Put another context, made from equal material, into its place."""
        return replace(self, tls=tls)

    def __str__(self) -> str:
        words = ["TLS" if self.tls else "no TLS", f"{len(self.users)} users"]
        if self.tls and self.tls.verify_mode is not ssl.CERT_NONE:
            words.append("client certificates")
        return ", ".join(words)


def read(path: Path) -> WebConfigFile:
    """Read a file and all that it names.

    Raises:
        BrokenError: with every problem.
    """
    config = _config(path)
    try:
        held = _material(config, path)
        tls = context(held) if held else None
    except ValueError as error:
        raise WebConfigError(path, [str(error)]) from None
    named = msgspec.structs.fields(HeaderSettings)
    headers = {
        name.encode_name: value
        for name in named
        if (value := getattr(config.http_server_config.headers, name.name)) is not None
    }
    return WebConfigFile(dict(config.basic_auth_users or {}), headers, held, tls)


def state(path: Path) -> State:
    """Tell the present state of a file and of all that it names, as far as it can be read."""
    try:
        settings = _config(path).tls_server_config or TlsServer()
    except WebConfigError:
        settings = TlsServer()
    names = (settings.cert_file, settings.key_file, settings.client_ca_file)
    return tuple(_mark(file) for file in (path, *(path.parent / name for name in names if name)))


def _mark(file: Path) -> tuple[int, ...]:
    try:
        found = file.stat()
    except (OSError, ValueError):  # the latter for a name that no file can have
        return ()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _config(path: Path) -> WebConfig:
    try:
        found = load_yaml(path.read_bytes().decode()) or [None]
    except OSError as error:
        raise WebConfigError(path, [f"cannot be read: {error.strerror}"]) from None
    except ValueError as error:
        raise WebConfigError(path, [str(error)]) from None
    if len(found) > 1:
        raise WebConfigError(path, ["holds several documents: a web configuration is one"])
    config, problems = web_config(found[0])
    if config is None:
        raise WebConfigError(path, [str(problem) for problem in problems])
    return config


def _material(config: WebConfig, path: Path) -> TlsFiles | None:
    settings = config.tls_server_config
    return material(settings, path.parent) if settings not in (None, TlsServer()) else None
