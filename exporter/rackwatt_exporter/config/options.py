"""Options of each method, with their defaults."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, Literal, TypeVar

from rackwatt_crds.bmc.expansion import format_template
from rackwatt_crds.bmc.snmp import Oid, Row
from rackwatt_crds.endpoints import IPMI_PORT, REDFISH_PORT, SNMP_PORT, SSH_PORT
from rackwatt_crds.fields import SecretRef
from rackwatt_crds.model import Model

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a method.

    `credential_limit` is the default limit of concurrent first contacts with one credential, so
    that a wrong password does not lock an account. `max_watts` is the default of the highest
    plausible power of one target.
    """

    credential_limit: ClassVar[int] = 128
    max_watts: ClassVar[float] = 60_000.0

    def for_node(self, name: str, index: int) -> "Options":
        """Return the options of one node of an entry, by its name and index."""
        del name, index
        return self


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """Verification of a server's certificate; without `ca_secret`, by the system's authorities.

    `client_secret` has the exporter's own certificate, for a server that requires one.
    """

    insecure_skip_verify: bool = False
    ca_secret: str | None = None
    server_name: str | None = None
    legacy: bool = False
    client_secret: str | None = None


@dataclass(frozen=True, slots=True)
class SecretKey:
    """A key of a Secret, which is a file of its directory."""

    secret: str
    key: str


@dataclass(frozen=True, slots=True)
class IpmiOptions(Options):
    """IPMI v2.0 over RMCP+; without `cipher_suite`, 17 is tried first, then 3.

    IPMI's and SNMP's log-in require the password itself, so their accounts are local to each BMC:
    no directory can lock one account for all BMCs, and the limit is higher.
    """

    credential_limit: ClassVar[int] = 512
    port: int = IPMI_PORT
    cipher_suite: Literal[3, 17] | None = None
    privilege: Literal["user", "operator", "admin"] = "user"
    dcmi: bool = True
    sensors: tuple[str, ...] = ()
    oem: bool = False
    kg_secret: str | None = None


@dataclass(frozen=True, slots=True)
class IpmiSshOptions(Options):
    """The host's own ipmitool through the system's ssh; None is ssh's own default."""

    port: int = SSH_PORT
    user: str | None = None
    key_secret: str | None = None
    known_hosts_secret: str | None = None
    sudo: bool = False
    command: tuple[str, ...] = ("ipmitool",)
    dcmi: bool = True
    sensors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OidOptions:
    """An object of a sum, and how its value is converted."""

    oid: str
    scale: float = 1.0
    unit: str | None = None
    pattern: str | None = None
    digits_oid: str | None = None
    where: Row | None = None


@dataclass(frozen=True, slots=True)
class SnmpOptions(Options):
    """SNMP; the security options apply to version 3 only. PDUs and sums of them draw more power."""

    credential_limit: ClassVar[int] = 512
    max_watts: ClassVar[float] = 1_000_000.0
    version: Literal["1", "2c", "3"] = "2c"
    port: int = SNMP_PORT
    level: Literal["noAuthNoPriv", "authNoPriv", "authPriv"] = "authPriv"
    auth: Literal["MD5", "SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512"] = "SHA-256"
    privacy: Literal["DES", "AES", "AES-192", "AES-256", "AES-192-C", "AES-256-C"] = "AES"
    oids: tuple[OidOptions, ...] = ()


@dataclass(frozen=True, slots=True)
class RedfishOptions(Options):
    """Redfish; without `chassis` and `sensors`, the driver discovers them.

    `external_url` is a proxy that forwards requests to the service.

    Racks and their power shelves draw more power.
    """

    max_watts: ClassVar[float] = 200_000.0
    port: int = REDFISH_PORT
    scheme: Literal["https", "http"] = "https"
    tls: TlsOptions = TlsOptions()
    auth: Literal["session", "basic"] = "session"
    chassis: str | None = None
    sensors: tuple[str, ...] = ()
    value: Literal["current", "average"] = "current"
    external_url: str | None = None

    def for_node(self, name: str, index: int) -> "RedfishOptions":
        """Replace `{name}` and `{index}` in `chassis` and `sensors`."""
        chassis = self.chassis and format_template(self.chassis, name, index)
        sensors = tuple(format_template(sensor, name, index) for sensor in self.sensors)
        return replace(self, chassis=chassis, sensors=sensors)


@dataclass(frozen=True, slots=True)
class FakeOptions(Options):
    """Random watts between two bounds; without `seed`, seeded by the node's name."""

    min: float = 100.0
    max: float = 500.0
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class InvalidOptions(Options):
    """An invalid entry: each poll fails with `problem`."""

    problem: str


OPTIONS: Mapping[str, type[Options]] = MappingProxyType(
    {
        "ipmi": IpmiOptions,
        "ipmiSsh": IpmiSshOptions,
        "snmp": SnmpOptions,
        "redfish": RedfishOptions,
        "fake": FakeOptions,
    }
)


def merge_layers(options: type[T], *layers: Model | None) -> T:
    """Set each option from the first layer that has it, else from its default.

    Layers are in order of precedence: host entry, `bmc`, preset. A model's `x_ref` becomes the
    name `x`, lists become tuples, and nested options are merged one by one.
    """
    values: dict[str, Any] = {}
    for field in fields(options):  # type: ignore[arg-type]
        found = [_value(layer, field.name) for layer in layers if layer is not None]
        given = [value for value in found if value is not None]
        if is_dataclass(field.default):
            values[field.name] = merge_layers(type(field.default), *given)
        elif given:
            values[field.name] = _plain(given[0])
    return options(**values)


def _value(layer: Model, name: str) -> Any:
    """Return a layer's value of an option; None where it is not given or unknown to the layer."""
    return getattr(layer, f"{name}_ref" if hasattr(layer, f"{name}_ref") else name, None)


def _plain(value: Any) -> Any:
    if isinstance(value, SecretRef):
        return value.name
    if isinstance(value, Oid):
        return merge_layers(OidOptions, value)
    return tuple(_plain(item) for item in value) if isinstance(value, list) else value
