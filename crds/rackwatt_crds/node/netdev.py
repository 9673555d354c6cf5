"""Settings of the collector `netdev`: which network interfaces are measured."""

from typing import Annotated

from msgspec import Meta

from rackwatt_crds.model import Model

DEFAULT_EXCLUDE = "(cali|lxc|tap|veth|vnet).*"

_Pattern = Annotated[str, Meta(min_length=1, max_length=256)]


class Netdev(Model, frozen=True, kw_only=True):
    """Network interfaces, by their names; a regular expression matches the whole name."""

    include: Annotated[
        _Pattern | None,
        Meta(description="Interfaces to measure, as a regular expression. Default: all."),
    ] = None
    exclude: Annotated[
        _Pattern | None,
        Meta(
            description="Interfaces to leave out, as a regular expression. Default: those of "
            f"containers and virtual machines, `{DEFAULT_EXCLUDE}`; without a default where "
            "`include` is given."
        ),
    ] = None
