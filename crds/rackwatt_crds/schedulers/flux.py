"""Flux, through its own commands."""

from collections.abc import Iterator

from rackwatt_crds.endpoints import Connection
from rackwatt_crds.model import Model, only
from rackwatt_crds.rules import exactly_one
from rackwatt_crds.schedulers.commands import Cli, Ssh, sshd

INTERFACES = ("cli", "ssh")


class Flux(Model, frozen=True, kw_only=True):
    """Flux, polled through `flux resource` and `flux jobs` by exactly one of two interfaces.

    It is read as Flux's documentation has it; no Flux has been seen in a test.
    """

    cli: Cli | None = None
    ssh: Ssh | None = None

    RULES = (exactly_one(*INTERFACES),)


def label(flux: Flux) -> str:
    """Return the scheduler and its interface: `flux/cli`, `flux/ssh`."""
    return f"flux/{only(flux, INTERFACES)}"


def connections(flux: Flux) -> Iterator[Connection]:
    """Yield sshd; the commands on this machine use a Unix socket, which is not on the network."""
    if flux.ssh is not None:
        yield sshd(flux.ssh)
