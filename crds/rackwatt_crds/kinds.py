"""Table of kinds: each method, scheduler and provider, with what both programs must know of it.

A kind is a field of a document, with the model of its settings. Each table has the fields above it,
in a class that the model of the document inherits: type checkers know them, and a new kind changes
no other model. Every list of kinds is read from a table: the models' rules, validation, the
operator's NetworkPolicy, status and `check`. The exporter has a registry with the reader of each
kind. A missing kind fails a test or a look-up and is never read as another kind. The
tables of collectors and of managers of units say what each requires of a node:
`node/requirements.py` and `node/unit_requirements.py`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from msgspec import Meta

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
from rackwatt_crds.grid.static import StaticIntensity
from rackwatt_crds.model import Model, only
from rackwatt_crds.rules import camel
from rackwatt_crds.schedulers import (
    exporter,
    flux,
    gridengine,
    htcondor,
    kubernetes,
    lsf,
    noop,
    openstack,
    pbs,
    slurm,
)
from rackwatt_crds.schedulers.exporter import Exporter
from rackwatt_crds.schedulers.flux import Flux
from rackwatt_crds.schedulers.gridengine import GridEngine
from rackwatt_crds.schedulers.htcondor import HTCondor
from rackwatt_crds.schedulers.kubernetes import Kubernetes
from rackwatt_crds.schedulers.lsf import Lsf
from rackwatt_crds.schedulers.noop import Noop
from rackwatt_crds.schedulers.openstack import Openstack
from rackwatt_crds.schedulers.pbs import Pbs
from rackwatt_crds.schedulers.slurm import Slurm

Problems = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind: the field that selects it, and the model of its settings."""

    field: str
    model: type[Model]

    @property
    def name(self) -> str:
        """The name of the kind in documents and registries."""
        return camel(self.field)


@dataclass(frozen=True, slots=True)
class MethodKind(Kind):
    """A way to read BMCs and PDUs.

    `endpoint` has the transport and the default port. It is None where the exporter connects to
    nothing, and targets need no address. With `logs_in`, the method needs `credentials`.
    """

    endpoint: Endpoint | None
    logs_in: bool


@dataclass(frozen=True, slots=True)
class ConnectingKind(Kind):
    """A kind whose settings name what the exporter connects to; `connections` lists it.

    `connections` is also called with the partial settings of an invalid document, in which any
    field may be `UNREAD`.
    """

    connections: Callable[[Any], Iterable[Connection]]


@dataclass(frozen=True, slots=True)
class SchedulerKind(ConnectingKind):
    """A source of node states.

    `label` names the scheduler and its interface. `problems` lists what the model does not check,
    each with the path of its field below the settings. `lists` is whether nodes and jobs are
    listed, and not only counted. `is_relay` is whether another exporter polls the scheduler,
    `has_jobs` whether it knows of any, `has_subjects` whether more is read of it:
    partitions, licences and the other fields of `spec.metrics` that nodes and jobs do not have.
    `has_history` is whether jobs that have ended are read of it, for accounting.
    """

    label: Callable[[Any], str]
    problems: Callable[[Any], Problems] = lambda _: ()
    lists: Callable[[Any], bool] = lambda _: True
    is_relay: bool = False
    has_jobs: bool = True
    has_subjects: bool = False
    has_history: bool = False


@dataclass(frozen=True, slots=True)
class ProviderKind(ConnectingKind):
    """A source of a zone's carbon intensity."""


K = TypeVar("K", bound=Kind)


def _table(*kinds: K) -> Mapping[str, K]:
    return MappingProxyType({kind.name: kind for kind in kinds})


class MethodSettings(Model, frozen=True, kw_only=True):
    """The settings of each method."""

    ipmi: Ipmi | None = None
    ipmi_ssh: IpmiSsh | None = None
    snmp: Snmp | None = None
    redfish: Redfish | None = None
    fake: Fake | None = None


METHODS = _table(
    MethodKind("ipmi", Ipmi, Endpoint("", IPMI_PORT, "UDP"), logs_in=True),
    MethodKind("ipmi_ssh", IpmiSsh, Endpoint("", SSH_PORT), logs_in=False),
    MethodKind("snmp", Snmp, Endpoint("", SNMP_PORT, "UDP"), logs_in=True),
    MethodKind("redfish", Redfish, Endpoint("", REDFISH_PORT), logs_in=True),
    MethodKind("fake", Fake, None, logs_in=False),
)
DEFAULT_METHOD = "ipmi"


class SchedulerSettings(Model, frozen=True, kw_only=True):
    """The settings of each scheduler."""

    slurm: Slurm | None = None
    pbs: Pbs | None = None
    gridengine: GridEngine | None = None
    htcondor: HTCondor | None = None
    lsf: Lsf | None = None
    flux: Flux | None = None
    kubernetes: Kubernetes | None = None
    openstack: Openstack | None = None
    noop: Noop | None = None
    exporter: Annotated[
        Exporter | None,
        Meta(
            description="Another rackwatt-exporter that polls the scheduler, so that the load "
            "on it does not grow with the number of exporters."
        ),
    ] = None


SCHEDULERS = _table(
    SchedulerKind(
        "slurm",
        Slurm,
        slurm.connections,
        slurm.label,
        lists=slurm.lists,
        has_subjects=True,
        has_history=True,
    ),
    SchedulerKind("pbs", Pbs, pbs.connections, pbs.label, has_history=True),
    SchedulerKind(
        "gridengine", GridEngine, gridengine.connections, gridengine.label, has_history=True
    ),
    SchedulerKind("htcondor", HTCondor, htcondor.connections, htcondor.label, has_history=True),
    SchedulerKind("lsf", Lsf, lsf.connections, lsf.label),
    SchedulerKind("flux", Flux, flux.connections, flux.label),
    SchedulerKind(
        "kubernetes", Kubernetes, kubernetes.connections, kubernetes.label, has_history=True
    ),
    SchedulerKind("openstack", Openstack, openstack.connections, openstack.label, has_history=True),
    SchedulerKind("noop", Noop, noop.connections, noop.label, noop.problems, has_jobs=False),
    SchedulerKind("exporter", Exporter, exporter.connections, exporter.label, is_relay=True),
)


class ProviderSettings(Model, frozen=True, kw_only=True):
    """The settings of each provider."""

    static: StaticIntensity | None = None


PROVIDERS = _table(
    ProviderKind("static", StaticIntensity, static.connections),
)

if TYPE_CHECKING:
    Method = str
else:
    Method = Literal[tuple(METHODS)]


def fields(table: Mapping[str, Kind]) -> tuple[str, ...]:
    """Return the fields of a table's kinds."""
    return tuple(kind.field for kind in table.values())


def given(table: Mapping[str, K], model: Model) -> Iterator[tuple[K, Any]]:
    """Yield the kinds that a model gives, each with its settings."""
    for kind in table.values():
        if (settings := getattr(model, kind.field)) is not None:
            yield kind, settings


def counts_only(model: SchedulerSettings) -> bool:
    """Return whether a scheduler's nodes and jobs are only counted, and not listed."""
    return any(not kind.lists(settings) for kind, settings in given(SCHEDULERS, model))


def chosen(table: Mapping[str, K], model: Model) -> tuple[K, Any]:
    """Return the kind that a model selects, with its settings.

    Raises:
        ValueError: the model gives none of the table, or several.
    """
    only(model, fields(table))
    return next(given(table, model))
