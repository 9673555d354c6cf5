"""SNMP: PDUs, and BMCs that speak it."""

from typing import Annotated, Literal

from msgspec import Meta

from rackwatt_crds.fields import Port
from rackwatt_crds.model import Model

OidText = Annotated[
    str,
    Meta(
        pattern=r"^\.?[0-9]+(\.[0-9]+)+$|^[A-Za-z][-A-Za-z0-9]*::[A-Za-z][-A-Za-z0-9]*(\.[0-9]+)*$",
        max_length=512,
        description="Numeric, or symbolic as `MODULE::name.1`.",
    ),
]


class Oid(Model, frozen=True, kw_only=True):
    """One object whose value is part of the sum."""

    oid: OidText
    scale: Annotated[
        float | None,
        Meta(description="Watts per unit of the value. Default 1; hundredths of kW: 10."),
    ] = None


class Snmp(Model, frozen=True, kw_only=True):
    """SNMP v1, v2c or v3 over UDP."""

    version: Annotated[Literal["1", "2c", "3"] | None, Meta(description="Default 2c.")] = None
    port: Annotated[Port | None, Meta(description="UDP port. Default 161.")] = None
    level: Annotated[
        Literal["noAuthNoPriv", "authNoPriv", "authPriv"] | None,
        Meta(description="Security level of version 3. Default authPriv."),
    ] = None
    auth: Annotated[
        Literal["MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"] | None,
        Meta(description="Authentication of version 3. Default SHA-256."),
    ] = None
    privacy: Annotated[
        Literal["DES", "AES", "AES-192", "AES-256"] | None,
        Meta(description="Privacy of version 3. Default AES."),
    ] = None
    oids: Annotated[
        Annotated[list[Oid], Meta(min_length=1, max_length=64)] | None,
        Meta(description="The objects to sum."),
    ] = None
