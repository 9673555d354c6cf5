"""Slurm's settings with every default filled in."""

from dataclasses import dataclass, field
from typing import Any

from rackwatt_crds.fields import SecretKeyRef
from rackwatt_crds.schedulers.slurm import Slurm, SlurmHttp
from rackwatt_exporter.config.options import SecretKey, TlsOptions, merge_layers
from rackwatt_exporter.schedulers.commands import CommandOptions, command_options


@dataclass(frozen=True, slots=True)
class SlurmCommandOptions:
    """Slurm's commands; `cluster` None means the one that they belong to."""

    commands: CommandOptions
    cluster: str | None = None


@dataclass(frozen=True, slots=True)
class HeaderOptions:
    """A header of each request; its value is in a secret, or written here."""

    name: str
    value: str | None = None
    secret: SecretKey | None = None


@dataclass(frozen=True, slots=True)
class SlurmHttpOptions:
    """A URL, and Slurm's JWT key to make tokens from, or a token made by others."""

    url: str
    user: str | None = None
    jwt_key: SecretKey | None = None
    claims: tuple[tuple[str, str], ...] = ()
    token: SecretKey | None = None
    headers: tuple[HeaderOptions, ...] = ()
    tls: TlsOptions = field(default_factory=TlsOptions)


@dataclass(frozen=True, slots=True)
class SlurmRestOptions(SlurmHttpOptions):
    """slurmrestd; `version` None means the newest that answers."""

    version: str | None = None
    cluster: str | None = None


@dataclass(frozen=True, slots=True)
class SlurmMetricsOptions(SlurmHttpOptions):
    """The metrics that slurmctld serves."""


SlurmOptions = SlurmCommandOptions | SlurmRestOptions | SlurmMetricsOptions


def slurm_options(slurm: Slurm) -> SlurmOptions:
    """Decide every setting of the interface that a document chooses.

    Raises:
        ValueError: it chooses none.
    """
    if slurm.open_metrics is not None:
        return SlurmMetricsOptions(**_http(slurm.open_metrics))
    if slurm.rest is not None:
        version, cluster = slurm.rest.version, slurm.cluster
        return SlurmRestOptions(**_http(slurm.rest), version=version, cluster=cluster)
    return SlurmCommandOptions(command_options(slurm.cli, slurm.ssh), slurm.cluster)


def _http(given: SlurmHttp) -> dict[str, Any]:
    """Return the fields of SlurmHttpOptions."""
    return {
        "url": given.url.rstrip("/"),
        "user": given.user,
        "jwt_key": _secret_key(given.jwt_key_secret_ref),
        "claims": tuple(sorted((given.claims or {}).items())),
        "token": _secret_key(given.token_secret_ref),
        "headers": tuple(
            HeaderOptions(header.name, header.value, _secret_key(header.value_secret_ref))
            for header in given.headers or ()
        ),
        "tls": merge_layers(TlsOptions, given.tls),
    }


def _secret_key(ref: SecretKeyRef | None) -> SecretKey | None:
    return SecretKey(ref.name, ref.key) if ref else None
