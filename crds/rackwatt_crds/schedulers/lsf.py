"""IBM Spectrum LSF, through its own commands."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from rackwatt_crds.endpoints import LSF_LIM_PORT, LSF_MBATCHD_PORT, Connection, Endpoint
from rackwatt_crds.model import Model, only
from rackwatt_crds.rules import exactly_one
from rackwatt_crds.schedulers.commands import Cli, Ssh, sshd

INTERFACES = ("cli", "ssh")


class Lsf(Model, frozen=True, kw_only=True):
    """IBM Spectrum LSF, polled through bhosts and bjobs by exactly one of two interfaces.

    It is read as LSF's documentation has it; no LSF has been seen in a test.
    """

    envdir: Annotated[
        Annotated[
            str,
            Meta(pattern=r"^/[!-~]*\Z", max_length=1_000, description="An absolute path in ASCII."),
        ]
        | None,
        Meta(
            description="The directory of lsf.conf on the host that runs the commands. Default: "
            "`LSF_ENVDIR` of their environment."
        ),
    ] = None
    cli: Cli | None = None
    ssh: Ssh | None = None

    RULES = (exactly_one(*INTERFACES),)


def label(lsf: Lsf) -> str:
    """Return the scheduler and its interface: `lsf/cli`, `lsf/ssh`."""
    return f"lsf/{only(lsf, INTERFACES)}"


def connections(lsf: Lsf) -> Iterator[Connection]:
    """Yield LIM, which says where mbatchd is, and mbatchd; or sshd."""
    if lsf.cli is not None:
        yield Endpoint("", LSF_LIM_PORT)
        yield Endpoint("", LSF_LIM_PORT, "UDP")
        yield Endpoint("", LSF_MBATCHD_PORT)
    if lsf.ssh is not None:
        yield sshd(lsf.ssh)
