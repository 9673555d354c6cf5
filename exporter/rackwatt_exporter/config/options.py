"""Each method's settings with every default filled in: the defaults are here and nowhere else."""

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
    """The settings of a method.

    `credential_limit` is how many first contacts may be under way with one credential, if no
    document says: a wrong password must not lock an account by being tried everywhere at once.
    `max_watts` is the highest power that is plausible for one target, if no document says.
    """

    credential_limit: ClassVar[int] = 128
    max_watts: ClassVar[float] = 60_000.0

    def placed(self, name: str, index: int) -> "Options":
        """Return the settings of one node of an entry, by its name and index."""
        del name, index
        return self


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """How a server's certificate is verified; `ca_secret` None means the system's authorities.

    `client_secret` holds our own certificate, for a server that wants one.
    """

    insecure_skip_verify: bool = False
    ca_secret: str | None = None
    server_name: str | None = None
    legacy: bool = False
    client_secret: str | None = None


@dataclass(frozen=True, slots=True)
class SecretKey:
    """One key of a secret: one file of its directory."""

    secret: str
    key: str


@dataclass(frozen=True, slots=True)
class IpmiOptions(Options):
    """IPMI v2.0 over RMCP+; `cipher_suite` None means 17, then 3, remembered; no K_g by default.

    IPMI's proof needs the password itself: BMCs have accounts of their own there, and no directory
    behind them that could lock one for all. So has SNMP's.
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
    """The host's own ipmitool through the system's ssh; None means what ssh itself would take."""

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
    """One object of a sum, and what its value means."""

    oid: str
    scale: float = 1.0
    unit: str | None = None
    pattern: str | None = None
    digits_oid: str | None = None
    where: Row | None = None


@dataclass(frozen=True, slots=True)
class SnmpOptions(Options):
    """SNMP; security settings count for version 3 alone. It measures PDUs, and sums of them."""

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
    """Redfish; without `chassis` and `sensors`, both are found by looking.

    It also measures racks and their power shelves.
    """

    max_watts: ClassVar[float] = 200_000.0
    port: int = REDFISH_PORT
    scheme: Literal["https", "http"] = "https"
    tls: TlsOptions = TlsOptions()
    auth: Literal["session", "basic"] = "session"
    chassis: str | None = None
    sensors: tuple[str, ...] = ()
    value: Literal["current", "average"] = "current"

    def placed(self, name: str, index: int) -> "RedfishOptions":
        """Fill a node's name and index into `chassis` and `sensors`."""
        chassis = self.chassis and format_template(self.chassis, name, index)
        sensors = tuple(format_template(sensor, name, index) for sensor in self.sensors)
        return replace(self, chassis=chassis, sensors=sensors)


@dataclass(frozen=True, slots=True)
class FakeOptions(Options):
    """Watts drawn between two bounds; `seed` None means from the node's name."""

    min: float = 100.0
    max: float = 500.0
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class InvalidOptions(Options):
    """What an entry that cannot be used comes to: its problem, told at every turn."""

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
    """Fill each setting from the first layer that says it, else from its default.

    Layers come closest first: the entry, the document, the preset. `x_ref` of a model becomes the
    plain name `x`, lists become tuples, and what nests is filled setting by setting.
    """
    said: dict[str, Any] = {}
    for field in fields(options):  # type: ignore[arg-type]
        words = [_word(layer, field.name) for layer in layers if layer is not None]
        given = [word for word in words if word is not None]
        if is_dataclass(field.default):
            said[field.name] = merge_layers(type(field.default), *given)
        elif given:
            said[field.name] = _plain(given[0])
    return options(**said)


def _word(layer: Model, name: str) -> Any:
    """Give what a layer says of a setting; None too where it does not have the setting."""
    return getattr(layer, f"{name}_ref" if hasattr(layer, f"{name}_ref") else name, None)


def _plain(word: Any) -> Any:
    if isinstance(word, SecretRef):
        return word.name
    if isinstance(word, Oid):
        return merge_layers(OidOptions, word)
    return tuple(_plain(item) for item in word) if isinstance(word, list) else word
