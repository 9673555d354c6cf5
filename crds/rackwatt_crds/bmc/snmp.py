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
        description="Numeric, or symbolic as `MODULE::name.1`. The MIBs of symbolic ones are "
        "looked for where net-snmp does: in the directories of MIBDIRS, else in ~/.snmp/mibs and "
        "/usr/share/snmp/mibs.",
    ),
]


class Row(Model, frozen=True, kw_only=True):
    """Which rows of a table count: all those where a column holds one text."""

    oid: Annotated[
        OidText,
        Meta(
            description="The column, without an index: what follows it in the rows found is "
            "put after `oid` and `digitsOid`. Or one object, that says whether the value holds."
        ),
    ]
    equals: Annotated[
        Annotated[str, Meta(max_length=256)] | None,
        Meta(description="What must stand there, numbers in decimal. Default: every row there is."),
    ] = None


class Oid(Model, frozen=True, kw_only=True):
    """One object whose value is part of the sum."""

    oid: OidText
    scale: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(
            description="What the value is multiplied by: without `unit`, watts per unit of the "
            "value. Default 1; hundredths of kW: 10, or 0.01 with `unit: kW`."
        ),
    ] = None
    unit: Annotated[
        Literal["mW", "cW", "dW", "W", "daW", "hW", "kW", "MW"] | None,
        Meta(
            description="The unit of the value. It may follow the number where the agent sends "
            "text: with W, `344.5 W` is a number, and so is `1,234 W`, whose comma groups "
            "thousands. Without it, text is a number only if it is digits with a decimal point."
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
            description="The text that the agent sends around the number, which stands as "
            "`{value}`: `Load: {value} VA`. A text that differs is no number. A comma groups "
            "thousands."
        ),
    ] = None
    digits_oid: Annotated[
        OidText | None,
        Meta(
            description="An object that says how many of the value's digits are decimals: "
            "with 2, a value of 12345 is 123.45."
        ),
    ] = None
    where: Annotated[
        Row | None,
        Meta(
            description="Takes every row that fits. Rows that come are found within a minute; one "
            "that leaves is `member_missing`, until it has been missing for an hour."
        ),
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
        Literal["DES", "AES", "AES-192", "AES-256", "AES-192-C", "AES-256-C"] | None,
        Meta(
            description="Privacy of version 3. Default AES, of 128 bits. The names with -C "
            "lengthen a short key as Cisco does, those without as net-snmp does."
        ),
    ] = None
    oids: Annotated[
        Annotated[list[Oid], Meta(min_length=1, max_length=64)] | None,
        Meta(description="The objects to sum, each once."),
    ] = None
