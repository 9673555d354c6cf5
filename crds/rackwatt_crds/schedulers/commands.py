"""Host of a scheduler's own commands: this machine, or another one through ssh."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.endpoints import SSH_PORT, Endpoint
from rackwatt_crds.model import Model
from rackwatt_crds.ssh import SshLogin

Folder = Annotated[
    str, Meta(description="The directory of the commands. Default: found through PATH.")
]


class Cli(Model, frozen=True, kw_only=True):
    """The scheduler's commands on this machine."""

    path: Folder | None = None


class Ssh(SshLogin, frozen=True, kw_only=True):
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
    path: Folder | None = None


def sshd(ssh: Ssh) -> Endpoint:
    """Return the sshd that the exporter connects to."""
    return Endpoint(ssh.host, ssh.port or SSH_PORT, field="ssh.host")
