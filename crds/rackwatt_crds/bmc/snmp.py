"""SNMP: PDUs, and BMCs that speak it."""

from typing import Annotated, Literal

from msgspec import Meta

from rackwatt_crds.fields import Port
from rackwatt_crds.model import Model

OidText = Annotated[
    str,
    Meta(
        pattern=r"^\.?[0-9]+(\.[0-9]+)+\Z|^[A-Za-z][-A-Za-z0-9]*::[A-Za-z][-A-Za-z0-9]*(\.[0-9]+)*\Z",
        max_length=512,
        description="An object identifier, numeric or symbolic as `MODULE::name.1`. The MIB "
        "of a symbolic one is searched as net-snmp does: in the directories of "
        "MIBDIRS, else in ~/.snmp/mibs and /usr/share/snmp/mibs.",
    ),
]


class Row(Model, frozen=True, kw_only=True):
    """Which rows of a table are summed: those whose column has the given value."""

    oid: Annotated[
        OidText,
        Meta(
            description="The column, without an index; the index of each matching row is "
            "appended to `oid` and `digitsOid`. Or one object, whose value "
            "determines whether the reading is valid."
        ),
    ]
    equals: Annotated[
        Annotated[str, Meta(max_length=256)] | None,
        Meta(description="The value to match, numbers in decimal. Default: any value."),
    ] = None


class Oid(Model, frozen=True, kw_only=True):
    """One object whose value is part of the sum."""

    oid: OidText
    scale: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(
            description="Factor of the value: without `unit`, watts per unit of the value. For "
            "hundredths of kW it is 10, or 0.01 with `unit: kW`. Default: 1."
        ),
    ] = None
    unit: Annotated[
        Literal["mW", "cW", "dW", "W", "daW", "hW", "kW", "MW"] | None,
        Meta(
            description="The unit of the value. Text from the agent may end in it: with W, "
            "`344.5 W` is a number, and so is `1,234 W`, whose comma groups "
            "thousands. Without it, text is a number only if it is digits with a "
            "decimal point. Default: none."
        ),
    ] = None
    pattern: Annotated[
        Annotated[
            str,
            Meta(
                pattern=r"^[^{}]*\{value\}[^{}]*\Z",
                max_length=64,
                description="Such as `Load: {value} VA`.",
            ),
        ]
        | None,
        Meta(
            description="The text that the agent sends, with `{value}` in place of the number: "
            "`Load: {value} VA`. Text that differs is no number. A comma groups "
            "thousands. Default: none."
        ),
    ] = None
    digits_oid: Annotated[
        OidText | None,
        Meta(
            description="An object whose value is the number of decimals: with 2, a value of "
            "12345 is 123.45. Default: none."
        ),
    ] = None
    where: Annotated[
        Row | None,
        Meta(
            description="Sums every matching row of a table. A new row is found within a "
            "minute; a removed one is `member_missing` until it has been missing "
            "for an hour. Default: the one object at `oid`."
        ),
    ] = None


class Snmp(Model, frozen=True, kw_only=True):
    """SNMP v1, v2c or v3 over UDP."""

    version: Annotated[
        Literal["1", "2c", "3"] | None, Meta(description="The version of SNMP. Default: 2c.")
    ] = None
    port: Annotated[Port | None, Meta(description="UDP port. Default: 161.")] = None
    level: Annotated[
        Literal["noAuthNoPriv", "authNoPriv", "authPriv"] | None,
        Meta(description="Security level of version 3. Default: authPriv."),
    ] = None
    auth: Annotated[
        Literal["MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"] | None,
        Meta(description="Authentication protocol of version 3. Default: SHA-256."),
    ] = None
    privacy: Annotated[
        Literal["DES", "AES", "AES-192", "AES-256", "AES-192-C", "AES-256-C"] | None,
        Meta(
            description="Privacy protocol of version 3; `AES` has 128 bits. The names with "
            "`-C` extend a short key as Cisco does, those without as net-snmp "
            "does. Default: AES."
        ),
    ] = None
    oids: Annotated[
        Annotated[list[Oid], Meta(min_length=1, max_length=64)] | None,
        Meta(description="The objects whose values are summed."),
    ] = None
