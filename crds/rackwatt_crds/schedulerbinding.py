"""SchedulerBinding: who decides what runs where."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.fields import Duration, Port, SecretKeyRef, SecretRef, Tls, User
from rackwatt_crds.model import Model, only_one
from rackwatt_crds.monitoring import Monitoring
from rackwatt_crds.operated import Paused
from rackwatt_crds.pod import Pod


class SlurmCli(Model, frozen=True, kw_only=True):
    """Slurm's own commands, on this machine."""

    path: Annotated[
        str | None, Meta(description="The folder of sinfo, where PATH does not have it.")
    ] = None


class SlurmSsh(Model, frozen=True, kw_only=True):
    """Slurm's own commands on another machine, through the system's ssh."""

    host: Annotated[str, Meta(min_length=1, description="Where sinfo runs.")]
    port: Annotated[Port | None, Meta(description="TCP port of sshd. Default 22.")] = None
    user: Annotated[User | None, Meta(description="The user to log in as.")] = None
    path: Annotated[
        str | None, Meta(description="The folder of sinfo, where PATH does not have it.")
    ] = None
    key_secret_ref: Annotated[
        SecretRef | None, Meta(description="A Secret whose `ssh-privatekey` logs in.")
    ] = None
    known_hosts_secret_ref: Annotated[
        SecretRef | None, Meta(description="A Secret whose `known_hosts` pins the host key.")
    ] = None


class SlurmRest(Model, frozen=True, kw_only=True):
    """slurmrestd, its API version negotiated."""

    url: Annotated[
        str, Meta(pattern=r"^https?://[^\s]+$", description="Such as http://slurm:6820.")
    ]
    user: Annotated[str | None, Meta(description="The Slurm user the token is for.")] = None
    jwt_key_secret_ref: Annotated[
        SecretKeyRef | None,
        Meta(description="Slurm's JWT key, from which short tokens are made."),
    ] = None
    token_secret_ref: Annotated[
        SecretKeyRef | None, Meta(description="A token, read anew whenever it changes.")
    ] = None
    tls: Tls | None = None

    def __post_init__(self) -> None:
        """Hold that there is one way to a token, and a user where we make it ourselves."""
        only_one(self, "jwt_key_secret_ref", "token_secret_ref")
        if self.jwt_key_secret_ref is not None and self.user is None:
            raise ValueError("jwtKeySecretRef needs user: a token is made out to somebody")


class Slurm(Model, frozen=True, kw_only=True):
    """Slurm, asked in one of three ways."""

    cli: SlurmCli | None = None
    ssh: SlurmSsh | None = None
    rest: SlurmRest | None = None

    def __post_init__(self) -> None:
        """Hold that one way is given."""
        only_one(self, "cli", "ssh", "rest")


class PinnedState(Model, frozen=True, kw_only=True):
    """Some nodes, and the state they are said to be in."""

    names: Annotated[str, Meta(min_length=1, description="A host list.")]
    state: Annotated[
        str,
        Meta(pattern=r"^[a-z][a-z_]*$", description="Such as allocated, idle, drained or down."),
    ]


class Noop(Model, frozen=True, kw_only=True):
    """No scheduler: nodes have the state that is written here, or none."""

    states: list[PinnedState] | None = None


class Exporter(Model, frozen=True, kw_only=True):
    """Another rackwatt-exporter that asks the scheduler, under a binding of the same name."""

    url: Annotated[
        str, Meta(pattern=r"^https?://[^\s]+$", description="Such as http://power:9123.")
    ]
    tls: Tls | None = None


class SchedulerBindingSpec(Model, frozen=True, kw_only=True):
    """Exactly one scheduler, and how often it is asked."""

    cluster: Annotated[str, Meta(min_length=1, description="The cluster's name, as a label.")]
    interval: Annotated[
        Duration | None, Meta(description="Time between two questions. Default 30s.")
    ] = None
    timeout: Annotated[Duration | None, Meta(description="Deadline of one. Default 10s.")] = None
    stale_after: Annotated[
        Duration | None,
        Meta(description="Age at which node states are withdrawn. Default three intervals."),
    ] = None
    slurm: Slurm | None = None
    noop: Noop | None = None
    exporter: Annotated[
        Exporter | None,
        Meta(
            description="Another rackwatt-exporter that asks the scheduler, so that any number of "
            "them costs it no more than one."
        ),
    ] = None
    paused: Paused = False
    monitoring: Monitoring | None = None
    pod: Pod | None = None

    def __post_init__(self) -> None:
        """Hold that one scheduler is given."""
        only_one(self, "slurm", "noop", "exporter")
