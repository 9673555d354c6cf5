"""The table of kinds: each method, scheduler and provider, and what both programs must know of it.

A kind is a field of a document, with the model of its settings. Whatever lists kinds reads these
rows: the models' rules, validation, the operator's NetworkPolicy, status and `check`. In the
exporter a registry has the reader of each. What is missing fails a test or a look-up: no kind is
ever taken for another. Collectors have no settings: their rows are in `node/requirements.py`, with
what each needs of its node.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from rackwatt_crds.bmc.fake import Fake
from rackwatt_crds.bmc.ipmi import Ipmi, IpmiSsh
from rackwatt_crds.bmc.redfish import Redfish
from rackwatt_crds.bmc.snmp import Snmp
from rackwatt_crds.endpoints import (
    IPMI_PORT,
    REDFISH_PORT,
    SNMP_PORT,
    SSH_PORT,
    Connection,
    Endpoint,
)
from rackwatt_crds.grid import static
from rackwatt_crds.model import Model, only
from rackwatt_crds.rules import camel
from rackwatt_crds.schedulers import exporter, noop, slurm

Problems = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind: the field that chooses it, and the model of its settings."""

    field: str
    model: type[Model]

    @property
    def name(self) -> str:
        """Its name in documents and registries."""
        return camel(self.field)


@dataclass(frozen=True, slots=True)
class MethodKind(Kind):
    """A way to read BMCs and PDUs.

    `endpoint` is the transport, and the port where a document names none; None where nothing is
    connected to, and targets need no address. `logs_in` says whether `credentials` are needed.
    """

    endpoint: Endpoint | None
    logs_in: bool


@dataclass(frozen=True, slots=True)
class ConnectingKind(Kind):
    """A kind whose settings say what is connected to: `connections` lists it.

    It is also called with what could be read of a broken document, where any field may be `UNREAD`.
    """

    connections: Callable[[Any], Iterable[Connection]]


@dataclass(frozen=True, slots=True)
class SchedulerKind(ConnectingKind):
    """A source of node states.

    `label` names it and how it is polled. `problems` lists what no model sees in the settings, each
    with the path of its field below them.
    """

    label: Callable[[Any], str]
    problems: Callable[[Any], Problems] = lambda _: ()


@dataclass(frozen=True, slots=True)
class ProviderKind(ConnectingKind):
    """A source of the carbon intensity of a zone."""


K = TypeVar("K", bound=Kind)


def _table(*kinds: K) -> Mapping[str, K]:
    return MappingProxyType({kind.name: kind for kind in kinds})


METHODS = _table(
    MethodKind("ipmi", Ipmi, Endpoint("", IPMI_PORT, "UDP"), logs_in=True),
    MethodKind("ipmi_ssh", IpmiSsh, Endpoint("", SSH_PORT), logs_in=False),
    MethodKind("snmp", Snmp, Endpoint("", SNMP_PORT, "UDP"), logs_in=True),
    MethodKind("redfish", Redfish, Endpoint("", REDFISH_PORT), logs_in=True),
    MethodKind("fake", Fake, None, logs_in=False),
)
DEFAULT_METHOD = "ipmi"

SCHEDULERS = _table(
    SchedulerKind("slurm", slurm.Slurm, slurm.connections, slurm.label),
    SchedulerKind("noop", noop.Noop, noop.connections, noop.label, noop.problems),
    SchedulerKind("exporter", exporter.Exporter, exporter.connections, exporter.label),
)

PROVIDERS = _table(ProviderKind("static", static.StaticIntensity, static.connections))

if TYPE_CHECKING:
    Method = str
else:
    Method = Literal[tuple(METHODS)]


def fields(table: Mapping[str, Kind]) -> tuple[str, ...]:
    """List the fields of a table's kinds."""
    return tuple(kind.field for kind in table.values())


def given(table: Mapping[str, K], model: Model) -> Iterator[tuple[K, Any]]:
    """Go through the kinds that a model gives, each with its settings."""
    for kind in table.values():
        if (settings := getattr(model, kind.field)) is not None:
            yield kind, settings


def chosen(table: Mapping[str, K], model: Model) -> tuple[K, Any]:
    """Return the kind that a model chooses, with its settings.

    Raises:
        ValueError: it gives none of the table, or several.
    """
    only(model, fields(table))
    return next(given(table, model))
