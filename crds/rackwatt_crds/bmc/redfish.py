"""Redfish: JSON over HTTPS."""

from typing import Annotated, Literal

from msgspec import Meta

from rackwatt_crds.fields import Port, Tls
from rackwatt_crds.model import Model


class Redfish(Model, frozen=True, kw_only=True):
    """A Redfish service. What is not said is found once, and remembered."""

    port: Annotated[Port | None, Meta(description="TCP port. Default 443.")] = None
    scheme: Annotated[
        Literal["https", "http"] | None,
        Meta(description="`http` sends credentials in the clear. Default https."),
    ] = None
    tls: Tls | None = None
    auth: Annotated[
        Literal["session", "basic"] | None,
        Meta(description="Default session, and Basic where the service has no room for one."),
    ] = None
    chassis: Annotated[
        str | None,
        Meta(
            description="The Chassis to read where one BMC serves several nodes; `{name}` and "
            "`{index}` are the entry's node and its place in the list, from 0."
        ),
    ] = None
    value: Annotated[
        Literal["current", "average"] | None,
        Meta(
            description="The present watts, or the BMC's mean over its interval. Default current."
        ),
    ] = None
