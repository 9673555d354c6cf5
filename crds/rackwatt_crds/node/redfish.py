"""Settings of the collector `redfish`: the node's own BMC, over the network."""

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from rackwatt_crds.endpoints import REDFISH_PORT, Connection, Endpoint, Url
from rackwatt_crds.fields import Credentials, Duration, Port, Tls
from rackwatt_crds.model import Model
from rackwatt_crds.rules import min_duration, unique

HOSTNAME = "{hostname}"
"""What stands for the node's name in `hostname`."""
HTTP_PORT = 80


class NodeRedfish(Model, frozen=True, kw_only=True):
    """The Redfish service of the node's own BMC."""

    hostname: Annotated[
        Annotated[str, Meta(min_length=1, max_length=253)] | None,
        Meta(
            description="Host name or address of the BMC, in which `{hostname}` is replaced by the "
            "node's name: `{hostname}-bmc`. Default: the BMC's address on its LAN, read from it "
            "through the kernel's IPMI device; a pod needs a privileged container for that."
        ),
    ] = None
    protocol: Annotated[
        Literal["https", "http"] | None,
        Meta(description="`http` sends credentials unencrypted. Default: https."),
    ] = None
    port: Annotated[
        Port | None, Meta(description="TCP port. Default: 443, or 80 of protocol http.")
    ] = None
    external_url: Annotated[
        Annotated[str, Meta(pattern=r"^https?://[^/?#\s]+/?\Z")] | None,
        Meta(
            description="A proxy to the BMCs, where nodes cannot reach them. Each request is sent "
            "to it, with the header `X-Redfish-Url: <protocol>://<hostname>:<port>`. `tls` is then "
            "that of the proxy. Default: none."
        ),
    ] = None
    credentials: Annotated[
        Credentials | None,
        Meta(description="The Secret with `username` and `password`, the same for all nodes."),
    ] = None
    use_session_token: Annotated[
        bool | None,
        Meta(
            description="Log in once, and send the session's token; false sends the password with "
            "each request (HTTP Basic). Default: true."
        ),
    ] = None
    tls: Tls | None = None
    timeout: Annotated[
        Duration | None,
        Meta(description="Deadline of one reading. Default: that of the PowerTarget."),
    ] = None
    chassis: Annotated[
        str | None,
        Meta(
            description="The Id of the Chassis to read where the BMC serves several. "
            "Default: discovered."
        ),
    ] = None
    sensors: Annotated[
        Annotated[
            list[Annotated[str, Meta(min_length=1, max_length=128)]],
            Meta(max_length=64, extra_json_schema={"x-kubernetes-list-type": "set"}),
        ]
        | None,
        Meta(
            description="The sensors whose watts are summed, by Name or Id. "
            "Default: the discovered total."
        ),
    ] = None

    RULES = (unique("sensors"), min_duration("timeout", "1ms"))


def port(settings: NodeRedfish) -> int:
    """Return the TCP port of the BMC's service."""
    return settings.port or (HTTP_PORT if settings.protocol == "http" else REDFISH_PORT)


def connections(settings: NodeRedfish) -> Iterator[Connection]:
    """Yield what a node connects to: its BMC, or the proxy."""
    host = settings.hostname
    named = host.replace(HOSTNAME, "node") if isinstance(host, str) else ""
    if settings.external_url is None:
        yield Endpoint(named, port(settings), field="hostname")
    else:
        yield Url("externalURL", settings.external_url)
