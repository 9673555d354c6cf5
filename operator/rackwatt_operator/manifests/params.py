"""Parameters of the builders: the resource, the cluster, the defaults; and why a build fails."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from rackwatt_crds.accounting.accounting import Accounting, is_enabled
from rackwatt_crds.document import API_VERSION, Document, PowerTarget, SchedulerBinding
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec
from rackwatt_crds.validation import named_bindings
from rackwatt_crds.web import Web
from rackwatt_operator.manifests import defaults as own
from rackwatt_operator.manifests import labels, naming
from rackwatt_operator.manifests.defaults import Defaults
from rackwatt_operator.manifests.merge import deep_merge, plain
from rackwatt_operator.manifests.secrets import secrets, secrets_of_accounting
from rackwatt_operator.manifests.web import read_with, scheme

Manifest = dict[str, Any]

MONITORING = frozenset({"ServiceMonitor", "PrometheusRule"})


@dataclass(frozen=True, slots=True)
class BuildFailure:
    """Why a valid resource cannot be built: a CamelCase reason for a condition, and what to do."""

    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.reason}: {self.message}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a cluster has: kinds of Prometheus Operator, and the namespace's SchedulerBindings.

    `assigns_ids` is whether it assigns users and groups to pods, and refuses others, as OpenShift.
    """

    monitoring: frozenset[str] = MONITORING
    bindings: Mapping[str, SchedulerBindingSpec] = field(default_factory=dict)
    assigns_ids: bool = False


@dataclass(frozen=True)
class Params:
    """The input of every builder; `raw` is the resource as its author wrote it."""

    raw: Mapping[str, Any]
    document: Document
    facts: Facts
    defaults: Defaults

    @cached_property
    def kind(self) -> str:
        """Kind of the resource."""
        return type(self.document).__name__

    @property
    def name(self) -> str:
        """Name of the resource."""
        return self.document.metadata.name

    @property
    def namespace(self) -> str:
        """Namespace of the resource and its children."""
        return self.document.metadata.namespace

    @cached_property
    def base(self) -> str:
        """Resource name prefix: the name, or its beginning, of every child."""
        return naming.base(self.kind, self.name)

    @cached_property
    def component(self) -> labels.Component:
        """Component of the collectors: bmc, node, grid or scheduler."""
        return labels.component(self.document)

    @property
    def shards(self) -> int:
        """Number of processes that share the targets."""
        target = self.power_target
        return target.spec.bmc.shards if target and target.spec.bmc else 1

    @property
    def power_target(self) -> PowerTarget | None:
        """The resource, if it is a PowerTarget."""
        return self.document if isinstance(self.document, PowerTarget) else None

    @cached_property
    def pod(self) -> dict[str, Any]:
        """Pod settings: of the resource, over the defaults, over built-in ones."""
        said = [plain(self.document.spec.pod)]
        if self.component == "node":
            said += [plain(self.defaults.node_pod), own.NODE_POD]
        return deep_merge(*said, plain(self.defaults.pod), own.POD)

    @cached_property
    def monitoring(self) -> dict[str, Any]:
        """Monitoring settings: of the resource, over the defaults."""
        return deep_merge(plain(self.document.spec.monitoring), plain(self.defaults.monitoring))

    @property
    def service_monitor(self) -> dict[str, Any]:
        """Settings of the ServiceMonitor."""
        said: dict[str, Any] = self.monitoring.get("serviceMonitor", {})
        return said

    def wants(self, part: str) -> bool:
        """Return whether `serviceMonitor`, `rules` or `dashboards` are enabled."""
        return bool(self.monitoring.get(part, {}).get("enabled", True))

    @cached_property
    def bindings(self) -> dict[str, SchedulerBindingSpec]:
        """The existing SchedulerBindings that a PowerTarget references, by name."""
        named = sorted(set(named_bindings(self.document)))
        return {name: self.facts.bindings[name] for name in named if name in self.facts.bindings}

    @cached_property
    def secrets(self) -> list[str]:
        """Secrets that the collectors read: of the resource, and for the pages of its bindings."""
        readers = (name for spec in self.bindings.values() for name in read_with(spec.web))
        return sorted({*secrets(self.document), *readers})

    @cached_property
    def accounting(self) -> Accounting | None:
        """The accounting of a SchedulerBinding that has it."""
        document = self.document
        accounting = document.spec.accounting if isinstance(document, SchedulerBinding) else None
        return accounting if is_enabled(accounting) else None

    @cached_property
    def secrets_of_accounting(self) -> list[str]:
        """Secrets that accounting reads."""
        if self.accounting is None or not isinstance(self.document, SchedulerBinding):
            return []
        return secrets_of_accounting(self.document.spec, self.accounting)

    @property
    def web(self) -> Web | None:
        """Settings of the collectors' own pages."""
        return self.document.spec.web

    @property
    def scheme(self) -> str:
        """Scheme of the collectors' pages, which is the name of their port."""
        return scheme(self.web)

    def manifest(self, api_version: str, kind: str, name: str, **body: Any) -> Manifest:
        """Build a child: named, labelled, owned by the resource; `body` is all but its metadata."""
        metadata = {
            "name": name,
            "namespace": self.namespace,
            "labels": labels.labels(self.base, self.component),
        } | self.owned()
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata} | body

    def owned(self) -> dict[str, Any]:
        """Return the owner reference, for garbage collection.

        A resource from a file has no uid yet: the children of a rendered one have no owner.
        `blockOwnerDeletion` is not set: with OwnerReferencesPermissionEnforcement it would require
        a right to change the resources.
        """
        uid = (self.raw.get("metadata") or {}).get("uid")
        if not uid:
            return {}
        owner = {
            "apiVersion": API_VERSION,
            "kind": self.kind,
            "name": self.name,
            "uid": uid,
            "controller": True,
        }
        return {"ownerReferences": [owner]}
