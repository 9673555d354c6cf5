"""One document and all that its children are made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rackwatt_crds.document import API_VERSION, Document, PowerTarget
from rackwatt_operator.plan import labels, naming
from rackwatt_operator.plan.defaults import Defaults
from rackwatt_operator.plan.facts import Facts

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Subject:
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
    def component(self) -> str:
        """What the collectors are: bmc, node, grid or scheduler."""
        return labels.component(self.document)

    @property
    def shards(self) -> int:
        """How many processes share the targets."""
        return 1

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

        A document from a file has no uid yet: whoever applies what was rendered owns it.
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
            "blockOwnerDeletion": True,
        }
        return {"ownerReferences": [owner]}

    @property
    def power_target(self) -> PowerTarget | None:
        """The document, if it is a PowerTarget."""
        return self.document if isinstance(self.document, PowerTarget) else None
