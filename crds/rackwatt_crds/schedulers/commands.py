"""Where a scheduler's own commands run: on this machine, or on another one through ssh."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.endpoints import SSH_PORT, Endpoint
from rackwatt_crds.fields import Port, SecretRef, User
from rackwatt_crds.model import Model


class Cli(Model, frozen=True, kw_only=True):
    """The scheduler's commands on this machine."""

    path: Annotated[
        str | None, Meta(description="The directory of the commands. Default: found through PATH.")
    ] = None


class Ssh(Model, frozen=True, kw_only=True):
    """The scheduler's commands on another machine, through the system's ssh."""

    host: Annotated[
        str,
        Meta(
            # As endpoints.address_problem has it, which also knows a port and an IP address.
            pattern=r"^[A-Za-z0-9._:%][A-Za-z0-9._:%-]*\Z",
            max_length=255,
            description="The host that runs the commands, alone: `port` and `user` are fields of "
            "their own.",
        ),
    ]
    port: Annotated[Port | None, Meta(description="TCP port of sshd. Default: 22.")] = None
    user: Annotated[
        User | None,
        Meta(description="The user to log in as. Default: that of ssh's own configuration."),
    ] = None
    path: Annotated[
        str | None, Meta(description="The directory of the commands. Default: found through PATH.")
    ] = None
    key_secret_ref: Annotated[
        SecretRef | None,
        Meta(
            description="A Secret whose `ssh-privatekey` authenticates the user. Default: the "
            "keys of ssh's own configuration."
        ),
    ] = None
    known_hosts_secret_ref: Annotated[
        SecretRef | None,
        Meta(
            description="A Secret whose `known_hosts` has the host key. Default: that of ssh's "
            "own configuration."
        ),
    ] = None


def sshd(ssh: Ssh) -> Endpoint:
    """Return the sshd that the exporter connects to."""
    return Endpoint(ssh.host, ssh.port or SSH_PORT, field="ssh.host")
