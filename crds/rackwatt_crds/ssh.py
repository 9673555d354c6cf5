"""Log-in of the system's ssh to a host: to that of a scheduler's commands, or to a node."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.fields import Port, SecretRef, User
from rackwatt_crds.model import Model


class SshLogin(Model, frozen=True, kw_only=True):
    """The port of sshd, the user, and the keys of both sides."""

    port: Annotated[Port | None, Meta(description="TCP port of sshd. Default: 22.")] = None
    user: Annotated[
        User | None,
        Meta(description="The user to log in as. Default: that of ssh's own configuration."),
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
            description="A Secret whose `known_hosts` has the host keys. Default: that of ssh's "
            "own configuration."
        ),
    ] = None
