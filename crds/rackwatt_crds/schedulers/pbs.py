"""PBS, through its own commands."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from rackwatt_crds.endpoints import PBS_SERVER_PORT, Connection, Endpoint
from rackwatt_crds.model import Model, only
from rackwatt_crds.rules import exactly_one
from rackwatt_crds.schedulers.commands import Cli, Ssh, sshd

INTERFACES = ("cli", "ssh")


class Pbs(Model, frozen=True, kw_only=True):
    """OpenPBS, PBS Professional or Torque, polled through exactly one of two interfaces."""

    server: Annotated[
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?\Z",
                max_length=255,
                description="A host name, with or without a port.",
            ),
        ]
        | None,
        Meta(
            description="The server whose nodes and jobs the commands report. Default: "
            "`PBS_DEFAULT` of their environment, or what their pbs.conf names."
        ),
    ] = None
    cli: Cli | None = None
    ssh: Ssh | None = None

    RULES = (exactly_one(*INTERFACES),)


def label(pbs: Pbs) -> str:
    """Return the scheduler and its interface: `pbs/cli`, `pbs/ssh`."""
    return f"pbs/{only(pbs, INTERFACES)}"


def connections(pbs: Pbs) -> Iterator[Connection]:
    """Yield pbs_server or sshd."""
    if pbs.cli is not None:
        yield Endpoint("", PBS_SERVER_PORT)
    if pbs.ssh is not None:
        yield sshd(pbs.ssh)
