"""Redfish: JSON over HTTPS."""

from typing import Annotated, Literal

from msgspec import Meta

from rackwatt_crds.fields import Port, Tls
from rackwatt_crds.model import Model
from rackwatt_crds.rules import unique


class Redfish(Model, frozen=True, kw_only=True):
    """A Redfish service. Resources that are not named are discovered once."""

    port: Annotated[Port | None, Meta(description="TCP port. Default: 443.")] = None
    scheme: Annotated[
        Literal["https", "http"] | None,
        Meta(description="The URL scheme; `http` sends credentials unencrypted. Default: https."),
    ] = None
    tls: Tls | None = None
    auth: Annotated[
        Literal["session", "basic"] | None,
        Meta(
            description="Authentication by a session or by HTTP Basic; where the service has "
            "no free session, Basic is used. Default: session."
        ),
    ] = None
    chassis: Annotated[
        str | None,
        Meta(
            description="The Id of the Chassis, PDU or power shelf to read where one BMC "
            "serves several; `{name}` and `{index}` are replaced by the node and "
            "its index, from 0. Default: discovered."
        ),
    ] = None
    sensors: Annotated[
        Annotated[
            list[Annotated[str, Meta(min_length=1, max_length=128)]],
            Meta(max_length=64, extra_json_schema={"x-kubernetes-list-type": "set"}),
        ]
        | None,
        Meta(
            description="The sensors whose watts are summed, by Name or Id, instead of the "
            "discovered total; also members of PowerControl, by Name. `{name}` and "
            "`{index}` as in `chassis`. Default: the discovered total."
        ),
    ] = None
    value: Annotated[
        Literal["current", "average"] | None,
        Meta(
            description="The present power, or the BMC's average over its own interval. "
            "Default: current."
        ),
    ] = None

    RULES = (unique("sensors"),)
