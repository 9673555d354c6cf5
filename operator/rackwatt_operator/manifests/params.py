"""One document and all that its children are made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rackwatt_crds.document import API_VERSION, Document, PowerTarget
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec
from rackwatt_crds.validation import named_bindings
from rackwatt_crds.web import Web
from rackwatt_operator.manifests import defaults as own
from rackwatt_operator.manifests import labels, naming
from rackwatt_operator.manifests.defaults import Defaults
from rackwatt_operator.manifests.facts import Facts
from rackwatt_operator.manifests.merge import layered, plain
from rackwatt_operator.manifests.secrets import secrets
from rackwatt_operator.manifests.web import asked_with, scheme

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Params:
    """What every builder is given; `raw` is the document as it was found."""

    raw: Mapping[str, Any]
    document: Document
    facts: Facts
    defaults: Defaults

    @cached_property
    def kind(self) -> str:
        """The document's kind."""
        return type(self.document).__name__

    @property
    def name(self) -> str:
        """The document's name."""
        return self.document.metadata.name

    @property
    def namespace(self) -> str:
        """Where the document is, and all its children."""
        return self.document.metadata.namespace

    @cached_property
    def base(self) -> str:
        """What the children are called after."""
        return naming.base(self.kind, self.name)

    @cached_property
    def component(self) -> labels.Component:
        """What the collectors are: bmc, node, grid or scheduler."""
        return labels.component(self.document)

    @property
    def shards(self) -> int:
        """How many processes share the targets."""
        target = self.power_target
        return target.spec.bmc.shards if target and target.spec.bmc else 1

    @property
    def power_target(self) -> PowerTarget | None:
        """The document, if it is a PowerTarget."""
        return self.document if isinstance(self.document, PowerTarget) else None

    @cached_property
    def pod(self) -> dict[str, Any]:
        """What is said of the pods: by the document, the defaults, and ourselves."""
        said = [plain(self.document.spec.pod)]
        if self.component == "node":
            said += [plain(self.defaults.node_pod), own.NODE_POD]
        return layered(*said, plain(self.defaults.pod), own.POD)

    @cached_property
    def monitoring(self) -> dict[str, Any]:
        """What is said of monitoring: by the document, then by the defaults."""
        return layered(plain(self.document.spec.monitoring), plain(self.defaults.monitoring))

    @property
    def service_monitor(self) -> dict[str, Any]:
        """What is said of the ServiceMonitor."""
        said: dict[str, Any] = self.monitoring.get("serviceMonitor", {})
        return said

    def wants(self, part: str) -> bool:
        """Tell whether `serviceMonitor`, `rules` or `dashboards` are to be made."""
        return bool(self.monitoring.get(part, {}).get("enabled", True))

    @cached_property
    def bindings(self) -> dict[str, SchedulerBindingSpec]:
        """The SchedulerBindings that a PowerTarget names and that are there, by name."""
        named = sorted(set(named_bindings(self.document)))
        return {name: self.facts.bindings[name] for name in named if name in self.facts.bindings}

    @cached_property
    def secrets(self) -> list[str]:
        """The Secrets that the collectors read: the document's, and those to read bindings with."""
        readers = (name for spec in self.bindings.values() for name in asked_with(spec.web))
        return sorted({*secrets(self.document), *readers})

    @property
    def web(self) -> Web | None:
        """What is said of the collectors' own pages."""
        return self.document.spec.web

    @property
    def scheme(self) -> str:
        """How the collectors' pages are reached, and what their port is called."""
        return scheme(self.web)

    def manifest(self, api_version: str, kind: str, name: str, **body: Any) -> Manifest:
        """Write a child: named, labelled, owned by the document; `body` stands beside metadata."""
        metadata = {
            "name": name,
            "namespace": self.namespace,
            "labels": labels.labels(self.base, self.component),
        } | self._owned()
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata} | body

    def _owned(self) -> dict[str, Any]:
        """Name the owner, so that the API server's garbage collection follows it.

        A document from a file has no uid yet: whoever applies what was rendered owns it. That a
        child holds up its owner's deletion is not asked for: some clusters want a right for it that
        would let us change documents (OwnerReferencesPermissionEnforcement).
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
