"""HTCondor, through its own commands."""

from collections.abc import Iterator

from rackwatt_crds.endpoints import CONDOR_COLLECTOR_PORT, Connection, Endpoint
from rackwatt_crds.model import Model, only
from rackwatt_crds.rules import exactly_one
from rackwatt_crds.schedulers.commands import Cli, Ssh, sshd

INTERFACES = ("cli", "ssh")


class HTCondor(Model, frozen=True, kw_only=True):
    """HTCondor, polled through condor_status and condor_q by exactly one of two interfaces."""

    cli: Cli | None = None
    ssh: Ssh | None = None

    RULES = (exactly_one(*INTERFACES),)


def label(htcondor: HTCondor) -> str:
    """Return the scheduler and its interface: `htcondor/cli`, `htcondor/ssh`."""
    return f"htcondor/{only(htcondor, INTERFACES)}"


def connections(htcondor: HTCondor) -> Iterator[Connection]:
    """Yield the collector, whose port a pool's daemons share, or sshd."""
    if htcondor.cli is not None:
        yield Endpoint("", CONDOR_COLLECTOR_PORT)
    if htcondor.ssh is not None:
        yield sshd(htcondor.ssh)
