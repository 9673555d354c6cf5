"""SchedulerBinding: who decides what runs where."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.fields import Duration, Port, SecretKeyRef, SecretRef, Tls, User
from rackwatt_crds.model import Model
from rackwatt_crds.monitoring import Monitoring
from rackwatt_crds.operated import Paused
from rackwatt_crds.pod import Pod
from rackwatt_crds.rules import exactly_one, kept, lasting, needs, no_shorter

# Nothing can override these for a part of a binding, so they may stand in the model.
INTERVAL = "30s"
TIMEOUT = "10s"


ClusterName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*\Z", max_length=255)]


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
        str, Meta(pattern=r"^https?://[!-~]+\Z", description="Such as http://slurm:6820.")
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

    RULES = (
        exactly_one("jwt_key_secret_ref", "token_secret_ref"),
        needs("jwt_key_secret_ref", "user", "a token is made out to somebody"),
    )


class Slurm(Model, frozen=True, kw_only=True):
    """Slurm, asked in one of three ways."""

    cluster: Annotated[
        ClusterName | None,
        Meta(
            description="Which of Slurm's clusters, as sinfo's `-M` names it. Default the one that "
            "answers by itself; the answer of another is a failure."
        ),
    ] = None
    cli: SlurmCli | None = None
    ssh: SlurmSsh | None = None
    rest: SlurmRest | None = None

    RULES = (exactly_one("cli", "ssh", "rest"),)


class PinnedState(Model, frozen=True, kw_only=True):
    """Some nodes, and the state they are said to be in."""

    names: Annotated[str, Meta(min_length=1, description="A host list.")]
    state: Annotated[
        str,
        Meta(pattern=r"^[a-z][a-z_]*\Z", description="Such as allocated, idle, drained or down."),
    ]


class Noop(Model, frozen=True, kw_only=True):
    """No scheduler: nodes have the state that is written here, or none."""

    states: Annotated[
        Annotated[list[PinnedState], Meta(max_length=5_000)] | None,
        Meta(description="The states of some nodes. The others have none."),
    ] = None


class Exporter(Model, frozen=True, kw_only=True):
    """Another rackwatt-exporter that asks the scheduler, under a binding of the same name."""

    url: Annotated[
        str, Meta(pattern=r"^https?://[!-~]+\Z", description="Such as http://power:9123.")
    ]
    tls: Tls | None = None


class SchedulerBindingSpec(Model, frozen=True, kw_only=True):
    """Exactly one scheduler, and how often it is asked."""

    cluster: Annotated[str, Meta(min_length=1, description="The cluster's name, as a label.")]
    interval: Annotated[Duration, Meta(description="Time between two questions.")] = INTERVAL
    timeout: Annotated[Duration, Meta(description="Deadline of one question.")] = TIMEOUT
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

    RULES = (
        exactly_one("slurm", "noop", "exporter"),
        kept("cluster names what is booked under it: make another binding", "self.cluster"),
        lasting("interval", "100ms"),
        lasting("timeout", "1ms"),
        no_shorter("stale_after", "interval"),
    )
