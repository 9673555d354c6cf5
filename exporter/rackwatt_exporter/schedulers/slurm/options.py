"""Slurm's settings with every default filled in."""

from dataclasses import dataclass, field

from rackwatt_crds.fields import SecretKeyRef
from rackwatt_crds.schedulers.slurm import Slurm, SlurmRest
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
class SlurmRestOptions:
    """slurmrestd, with Slurm's JWT key to make tokens from, or a token made by others.

    `version` None means the newest that answers.
    """

    url: str
    user: str | None = None
    jwt_key: SecretKey | None = None
    claims: tuple[tuple[str, str], ...] = ()
    token: SecretKey | None = None
    headers: tuple[HeaderOptions, ...] = ()
    version: str | None = None
    cluster: str | None = None
    tls: TlsOptions = field(default_factory=TlsOptions)


@dataclass(frozen=True, slots=True)
class SlurmMetricsOptions:
    """The metrics that slurmctld serves."""

    url: str
    tls: TlsOptions = field(default_factory=TlsOptions)


SlurmOptions = SlurmCommandOptions | SlurmRestOptions | SlurmMetricsOptions


def slurm_options(slurm: Slurm) -> SlurmOptions:
    """Decide every setting of the interface that a document chooses.

    Raises:
        ValueError: it chooses none.
    """
    if slurm.open_metrics is not None:
        tls = merge_layers(TlsOptions, slurm.open_metrics.tls)
        return SlurmMetricsOptions(slurm.open_metrics.url.rstrip("/"), tls)
    if slurm.rest is not None:
        return _rest(slurm.rest, slurm.cluster)
    return SlurmCommandOptions(command_options(slurm.cli, slurm.ssh), slurm.cluster)


def _rest(rest: SlurmRest, cluster: str | None) -> SlurmRestOptions:
    return SlurmRestOptions(
        cluster=cluster,
        url=rest.url.rstrip("/"),
        user=rest.user,
        jwt_key=_secret_key(rest.jwt_key_secret_ref),
        claims=tuple(sorted((rest.claims or {}).items())),
        token=_secret_key(rest.token_secret_ref),
        headers=tuple(
            HeaderOptions(header.name, header.value, _secret_key(header.value_secret_ref))
            for header in rest.headers or ()
        ),
        version=rest.version,
        tls=merge_layers(TlsOptions, rest.tls),
    )


def _secret_key(ref: SecretKeyRef | None) -> SecretKey | None:
    return SecretKey(ref.name, ref.key) if ref else None
