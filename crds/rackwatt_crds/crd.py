"""The CustomResourceDefinitions: what an API server must know of each kind of document.

Made from the models alone, so that it cannot differ from what the exporter and the operator read.
"""

from dataclasses import dataclass
from typing import Any

import yaml

from rackwatt_crds.document import API_VERSION, PowerTarget, SchedulerBinding
from rackwatt_crds.model import Model
from rackwatt_crds.powertarget import PowerTargetSpec
from rackwatt_crds.schedulerbinding import SchedulerBindingSpec
from rackwatt_crds.schema import Schema, prose, schema
from rackwatt_crds.status import PowerTargetStatus, SchedulerBindingStatus

GROUP, VERSION = API_VERSION.split("/")
_MADE = "# Made by `make crds` from the models in crds/rackwatt_crds: change them, not this file.\n"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`; a wide one stands in `--output=wide` alone."""

    name: str
    type: str
    path: str
    description: str
    wide: bool = False

    def manifest(self) -> dict[str, Any]:
        """Write it as a CRD does."""
        column = {"name": self.name, "type": self.type, "jsonPath": self.path}
        return column | {"description": self.description} | ({"priority": 1} if self.wide else {})


@dataclass(frozen=True, slots=True)
class Definition:
    """One kind of document, and how `kubectl` names and shows it."""

    kind: str
    short: str
    description: str
    spec: type[Model]
    status: type[Model]
    columns: tuple[Column, ...]

    @property
    def name(self) -> str:
        """The CRD's own name: `powertargets.rackwatt.dev`."""
        return f"{self.kind.lower()}s.{GROUP}"

    def manifest(self) -> dict[str, Any]:
        """Write the whole CRD."""
        singular = self.kind.lower()
        return {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": self.name, "labels": {"app.kubernetes.io/part-of": "rackwatt"}},
            "spec": {
                "group": GROUP,
                "scope": "Namespaced",
                "names": {
                    "kind": self.kind,
                    "listKind": f"{self.kind}List",
                    "plural": f"{singular}s",
                    "singular": singular,
                    "shortNames": [self.short],
                    "categories": ["rackwatt"],
                },
                "versions": [self._version()],
            },
        }

    def text(self) -> str:
        """Write the whole CRD as YAML."""
        manifest = self.manifest()
        return _MADE + yaml.dump(manifest, Dumper=_Dumper, sort_keys=False, width=100)

    def _version(self) -> dict[str, Any]:
        return {
            "name": VERSION,
            "served": True,
            "storage": True,
            "subresources": {"status": {}},
            "additionalPrinterColumns": [column.manifest() for column in self.columns],
            "schema": {"openAPIV3Schema": self._schema()},
        }

    def _schema(self) -> Schema:
        return {
            "type": "object",
            "description": prose(self.description),
            "required": ["spec"],
            "properties": {"spec": schema(self.spec), "status": schema(self.status)},
        }


def _ready(word: str) -> str:
    return f'.status.conditions[?(@.type=="Ready")].{word}'


_READY = (
    Column("Ready", "string", _ready("status"), "Whether every condition holds."),
    Column("Reason", "string", _ready("reason"), "The reason of Ready."),
)
_AGE = Column("Age", "date", ".metadata.creationTimestamp", "Time since its creation.")
_MESSAGE = Column("Message", "string", _ready("message"), "The message of Ready.", wide=True)

DEFINITIONS = (
    Definition(
        kind="PowerTarget",
        short="pt",
        description=PowerTarget.__doc__ or "",
        spec=PowerTargetSpec,
        status=PowerTargetStatus,
        columns=(
            Column(
                "Kind",
                "string",
                ".status.kind",
                "What is measured: BMCs and PDUs, nodes from inside, or the grid.",
            ),
            Column("Method", "string", ".status.method", "How it is measured."),
            Column("Targets", "integer", ".status.targets.configured", "Number of targets."),
            Column(
                "Reachable",
                "integer",
                ".status.targets.reachable",
                "Number of targets that answer.",
            ),
            Column("Failing", "integer", ".status.targets.failing", "Number of targets that fail."),
            Column("Watts", "integer", ".status.watts", "Total power in watts."),
            *_READY,
            _AGE,
            Column(
                "Scheduler", "string", ".spec.schedulerRef.name", "The SchedulerBinding.", wide=True
            ),
            Column("Shards", "integer", ".spec.bmc.shards", "Number of collectors.", wide=True),
            Column(
                "Paused", "boolean", ".spec.paused", "Whether the operator is paused.", wide=True
            ),
            _MESSAGE,
        ),
    ),
    Definition(
        kind="SchedulerBinding",
        short="sb",
        description=SchedulerBinding.__doc__ or "",
        spec=SchedulerBindingSpec,
        status=SchedulerBindingStatus,
        columns=(
            Column("Scheduler", "string", ".status.scheduler", "The scheduler and its interface."),
            Column("Cluster", "string", ".spec.cluster", "The label cluster."),
            Column("Nodes", "integer", ".status.nodes.total", "Number of nodes."),
            *_READY,
            _AGE,
            Column("Version", "string", ".status.version", "Version of the scheduler.", wide=True),
            Column(
                "Contact", "date", ".status.lastContact", "Time since its last answer.", wide=True
            ),
            Column(
                "Paused", "boolean", ".spec.paused", "Whether the operator is paused.", wide=True
            ),
            _MESSAGE,
        ),
    ),
)


def text() -> str:
    """Write all CRDs as one stream of YAML, for `kubectl apply --server-side --filename -`."""
    return "---\n".join(one.text() for one in DEFINITIONS)


class _Dumper(yaml.SafeDumper):
    """YAML without anchors: what stands twice is written twice."""

    def ignore_aliases(self, _: Any) -> bool:
        return True
