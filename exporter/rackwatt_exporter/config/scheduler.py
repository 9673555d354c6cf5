"""A binding: one scheduler and the way to ask it, with nothing left to decide.

Interval and timeout have their defaults in the model, since nothing overrides them for a part of a
binding; every other default stands here.
"""

from dataclasses import dataclass, field
from typing import ClassVar

from rackwatt_crds.document import SchedulerBinding
from rackwatt_crds.duration import seconds
from rackwatt_crds.endpoints import pinned
from rackwatt_crds.fields import SecretKeyRef
from rackwatt_crds.schedulerbinding import (
    INTERVAL,
    TIMEOUT,
    SchedulerBindingSpec,
    Slurm,
    SlurmRest,
)
from rackwatt_crds.validation import problems
from rackwatt_exporter.config.options import TlsOptions, merge_layers


@dataclass(frozen=True, slots=True)
class SlurmCliOptions:
    """Slurm's commands on this machine; `path` None means found through PATH.

    `cluster` None means the one that the commands belong to.
    """

    label: ClassVar[str] = "slurm cli"
    path: str | None = None
    cluster: str | None = None


@dataclass(frozen=True, slots=True)
class SlurmSshOptions:
    """Slurm's commands on another machine; None means what ssh itself would take."""

    label: ClassVar[str] = "slurm ssh"
    host: str = ""
    port: int = 22
    user: str | None = None
    path: str | None = None
    key_secret: str | None = None
    known_hosts_secret: str | None = None
    cluster: str | None = None


@dataclass(frozen=True, slots=True)
class SecretKey:
    """One key of a secret: one file of its directory."""

    secret: str
    key: str


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

    label: ClassVar[str] = "slurm rest"
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
class ExporterOptions:
    """Another exporter, the name under which it has the binding, and the Secret of a log-in."""

    label: ClassVar[str] = "exporter"
    url: str
    binding: str
    tls: TlsOptions = field(default_factory=TlsOptions)
    credentials: str | None = None


@dataclass(frozen=True, slots=True)
class NoopOptions:
    """Pinned states: pairs of node and state."""

    label: ClassVar[str] = "noop"
    states: tuple[tuple[str, str], ...] = ()


INTERVAL_S = seconds(INTERVAL)
TIMEOUT_S = seconds(TIMEOUT)
# A scheduler is one for all its nodes, and can bear being asked: their states are soon back.
MAX_BACKOFF_S = 60.0

SchedulerOptions = (
    SlurmCliOptions | SlurmSshOptions | SlurmRestOptions | ExporterOptions | NoopOptions
)


@dataclass(frozen=True, slots=True)
class SchedulerConfig:
    """All that a scheduler, the polling and the page need to know of one SchedulerBinding."""

    name: str
    document: str
    cluster: str
    options: SchedulerOptions
    node_name: str | None = None
    interval_s: float = INTERVAL_S
    timeout_s: float = TIMEOUT_S
    stale_after_s: float = 3 * INTERVAL_S
    max_backoff_s: float = MAX_BACKOFF_S

    @property
    def key(self) -> str:
        """Its key: the name of the document."""
        return self.name

    @property
    def reading_timeout_s(self) -> float:
        """Seconds a scheduler may take: a little less than the deadline, whose reason is poorer."""
        return 0.9 * self.timeout_s

    @property
    def access(self) -> tuple[SchedulerOptions, float]:
        """All that a scheduler depends on: while it stays the same, so does what is open to it."""
        return self.options, self.timeout_s


def binding(document: SchedulerBinding) -> SchedulerConfig:
    """Decide every setting of a document.

    Raises:
        ValueError: a host list, or a URL, that means nothing; with the path of the field.
    """
    name, spec = document.metadata.name, document.spec
    for problem in problems(document):
        raise ValueError(str(problem))
    interval_s = seconds(spec.interval)
    return SchedulerConfig(
        name=name,
        document=name,
        cluster=spec.cluster,
        options=_options(name, spec),
        node_name=spec.node_name,
        interval_s=interval_s,
        timeout_s=seconds(spec.timeout),
        stale_after_s=seconds(spec.stale_after) if spec.stale_after else 3 * interval_s,
        max_backoff_s=max(interval_s, MAX_BACKOFF_S),
    )


def _options(name: str, spec: SchedulerBindingSpec) -> SchedulerOptions:
    if spec.slurm is not None:
        return _slurm(spec.slurm)
    if spec.exporter is not None:
        said = spec.exporter
        login = said.credentials.secret_ref.name if said.credentials else None
        tls = merge_layers(TlsOptions, said.tls)
        return ExporterOptions(said.url.rstrip("/"), name, tls, login)
    assert spec.noop is not None  # noqa: S101 - the model holds that one of them is given
    return NoopOptions(tuple(pinned(spec.noop).states.items()))


def _slurm(slurm: Slurm) -> SchedulerOptions:
    if slurm.cli is not None:
        return merge_layers(SlurmCliOptions, slurm.cli, slurm)
    if slurm.ssh is not None:
        return merge_layers(SlurmSshOptions, slurm.ssh, slurm)
    assert slurm.rest is not None  # noqa: S101 - the model holds that one of them is given
    return _rest(slurm.rest, slurm.cluster)


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
