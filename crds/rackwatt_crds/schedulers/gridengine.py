"""Grid Engine, through its own commands."""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from rackwatt_crds.endpoints import SGE_QMASTER_PORT, Connection, Endpoint
from rackwatt_crds.model import Model, only
from rackwatt_crds.rules import exactly_one
from rackwatt_crds.schedulers.commands import Cli, Ssh, sshd

INTERFACES = ("cli", "ssh")


class GridEngine(Model, frozen=True, kw_only=True):
    """Grid Engine (SGE and its successors), polled through exactly one of two interfaces."""

    root: Annotated[
        Annotated[
            str,
            Meta(pattern=r"^/[!-~]*\Z", max_length=1_000, description="An absolute path in ASCII."),
        ]
        | None,
        Meta(
            description="Grid Engine's directory on the host that runs its commands. Default: "
            "`SGE_ROOT` of their environment."
        ),
    ] = None
    cell: Annotated[
        Annotated[
            str,
            Meta(
                pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*\Z",
                max_length=255,
                description="One name: letters, digits, `_`, `.` and `-`.",
            ),
        ]
        | None,
        Meta(
            description="The cell. Default: `SGE_CELL` of the commands' environment, which may "
            "also name the port of its qmaster."
        ),
    ] = None
    cli: Cli | None = None
    ssh: Ssh | None = None

    RULES = (exactly_one(*INTERFACES),)


def label(gridengine: GridEngine) -> str:
    """Return the scheduler and its interface: `gridengine/cli`, `gridengine/ssh`."""
    return f"gridengine/{only(gridengine, INTERFACES)}"


def connections(gridengine: GridEngine) -> Iterator[Connection]:
    """Yield sge_qmaster or sshd."""
    if gridengine.cli is not None:
        yield Endpoint("", SGE_QMASTER_PORT)
    if gridengine.ssh is not None:
        yield sshd(gridengine.ssh)
