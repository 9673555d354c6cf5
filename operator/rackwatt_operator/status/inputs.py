"""Everything that the status of one resource is built from."""

from collections.abc import Sequence
from dataclasses import dataclass

from rackwatt_crds.accounting.accounting import is_enabled
from rackwatt_crds.decoding import Problem
from rackwatt_crds.document import Document, SchedulerBinding
from rackwatt_operator.manifests import naming
from rackwatt_operator.manifests.params import BuildFailure
from rackwatt_operator.status.apply_error import ApplyError
from rackwatt_operator.status.collector_status import CollectorStatus
from rackwatt_operator.status.selection import Selection
from rackwatt_operator.status.workload import Workload


@dataclass(frozen=True, slots=True)
class StatusInputs:
    """One resource: its validation, its plan, the state of its children and of its collectors.

    `missing` are the SchedulerBindings that it references and that do not exist; `kinds` are those
    of the planned children, `monitoring` those of Prometheus Operator that the cluster has;
    `selection` and `rules` say which Prometheus selects the ServiceMonitor and the PrometheusRule;
    `collectors` is None until they were polled.
    """

    document: Document | None
    problems: Sequence[Problem]
    missing: Sequence[str]
    refused: BuildFailure | None
    kinds: frozenset[str]
    monitoring: frozenset[str]
    apply_errors: Sequence[ApplyError] = ()
    workloads: Sequence[Workload] = ()
    selection: Selection | None = None
    rules: Selection | None = None
    collectors: CollectorStatus | None = None

    @property
    def is_binding(self) -> bool:
        """Whether it is a SchedulerBinding."""
        return isinstance(self.document, SchedulerBinding)

    @property
    def accounting(self) -> str:
        """The name of the objects of accounting; empty where the resource has none."""
        document = self.document
        if not isinstance(document, SchedulerBinding) or not is_enabled(document.spec.accounting):
            return ""
        return naming.accounting(naming.base("SchedulerBinding", document.metadata.name))

    @property
    def workloads_of_collectors(self) -> list[Workload]:
        """Workloads without that of accounting."""
        return [one for one in self.workloads if one.name.name != self.accounting]

    @property
    def paused(self) -> bool:
        """Whether `spec.paused` is set."""
        return self.document is not None and bool(self.document.spec.paused)
