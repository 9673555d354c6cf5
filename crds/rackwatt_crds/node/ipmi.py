"""Settings of the collector `ipmi`: whether a BMC is read natively or by a command."""

from typing import Annotated, Literal

from msgspec import Meta

from rackwatt_crds.model import Model
from rackwatt_crds.rules import Rule


def _not_native(model: "NodeIpmi") -> str | None:
    return "both" if model.command is not None and model.mode == "native" else None


class NodeIpmi(Model, frozen=True, kw_only=True):
    """The node's own BMC, read from inside; it needs no password."""

    mode: Annotated[
        Literal["auto", "native", "command"] | None,
        Meta(
            description="`native` reads DCMI through the kernel's device; `command` runs a "
            "program; `auto` is `native` where the device can be opened, else `command`. "
            "Default: command where `command` is given, else auto."
        ),
    ] = None
    command: Annotated[
        Annotated[
            list[Annotated[str, Meta(min_length=1, max_length=512)]],
            Meta(min_length=1, max_length=64),
        ]
        | None,
        Meta(
            description="Program and arguments, without a shell and never with a password. It "
            "prints what `ipmi-dcmi`, `ipmitool`, `ipmiutil` or `capmc` print, or watts alone: "
            "`412.5`, `412 W`. Default: the first found of `ipmi-dcmi "
            "--get-system-power-statistics`, `ipmitool dcmi power reading`, `ipmiutil dcmi "
            "power`, `capmc get_system_power -w 600`."
        ),
    ] = None
    device: Annotated[
        Annotated[int, Meta(ge=0, le=255)] | None,
        Meta(
            description="N of the device: the first that exists of `ipmiN`, `ipmi/N` and "
            "`ipmidev/N` below --path.devfs. Default: 0.",
        ),
    ] = None

    RULES = (
        Rule(
            "mode native runs no command",
            "!has(self.command) || !has(self.mode) || self.mode != 'native'",
            _not_native,
            ("mode",),
            "command",
        ),
    )
