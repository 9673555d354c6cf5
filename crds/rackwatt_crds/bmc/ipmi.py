"""IPMI over the network (RMCP+), or through ssh with the host's own ipmitool."""

from typing import Annotated, Literal

from msgspec import Meta

from rackwatt_crds.fields import Port, SecretRef
from rackwatt_crds.model import Model
from rackwatt_crds.rules import unique
from rackwatt_crds.ssh import SshLogin

SensorNames = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=64)]],
    Meta(
        max_length=64,
        description="Exact names of the sensors whose watts are summed where DCMI has no power "
        "reading. Default: none.",
        extra_json_schema={"x-kubernetes-list-type": "set"},
    ),
]


class Ipmi(Model, frozen=True, kw_only=True):
    """IPMI v2.0 over RMCP+ (UDP)."""

    port: Annotated[Port | None, Meta(description="UDP port. Default: 623.")] = None
    cipher_suite: Annotated[
        Literal[3, 17] | None,
        Meta(description="The cipher suite. Default: 17, then 3."),
    ] = None
    privilege: Annotated[
        Literal["user", "operator", "admin"] | None,
        Meta(description="The privilege level requested at log-in. Default: user."),
    ] = None
    dcmi: Annotated[
        bool | None,
        Meta(description="Send DCMI Get Power Reading first. Default: true."),
    ] = None
    sensors: SensorNames | None = None
    oem: Annotated[
        bool | None,
        Meta(
            description="Read through pyghmi's vendor modules, or by the vendor's own command "
            "(NEC), instead, in a separate process. Default: false."
        ),
    ] = None
    kg_secret_ref: Annotated[
        SecretRef | None,
        Meta(
            description="A Secret whose `kg` is the BMC's own key (K_g, for two-key log-in), "
            "as text or as `0x` and hexadecimal digits. Default: none."
        ),
    ] = None

    RULES = (unique("sensors"),)


class IpmiSsh(SshLogin, frozen=True, kw_only=True):
    """The host's own BMC, read by its ipmitool through the system's ssh."""

    sudo: Annotated[
        bool | None,
        Meta(
            description="Run ipmitool with `sudo -n`: `dcmi power reading`, `sdr elist full` and "
            "`chassis power status`. Default: false."
        ),
    ] = None
    command: Annotated[
        Annotated[list[str], Meta(max_length=64)] | None,
        Meta(description="The command and its options. Default: [ipmitool]."),
    ] = None
    dcmi: Annotated[
        bool | None, Meta(description="Run `dcmi power reading` first. Default: true.")
    ] = None
    sensors: SensorNames | None = None

    RULES = (unique("sensors"),)
