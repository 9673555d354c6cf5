"""Everything that was found out about one document, from which its status is made."""

from collections.abc import Sequence
from dataclasses import dataclass

from rackwatt_crds.decoding import Problem
from rackwatt_crds.document import Document, SchedulerBinding
from rackwatt_operator.manifests.refused import BuildFailure
from rackwatt_operator.status.apply_error import Trouble
from rackwatt_operator.status.collector_status import CollectorStatus
from rackwatt_operator.status.selection import Selection
from rackwatt_operator.status.workload import Workload


@dataclass(frozen=True, slots=True)
class StatusInputs:
    """One document: what is valid in it, what was planned, what came of that, what is told of it.

    `missing` are the SchedulerBindings it names that are not there; `kinds` are those of the
    children that are planned, `monitoring` those of Prometheus Operator that the cluster has;
    `selection` and `rules` say who takes the ServiceMonitor and the PrometheusRule;
    `told` is None until a collector was asked.
    """

    document: Document | None
    problems: Sequence[Problem]
    missing: Sequence[str]
    refused: BuildFailure | None
    kinds: frozenset[str]
    monitoring: frozenset[str]
    troubles: Sequence[Trouble] = ()
    workloads: Sequence[Workload] = ()
    selection: Selection | None = None
    rules: Selection | None = None
    told: CollectorStatus | None = None

    @property
    def is_binding(self) -> bool:
        """Whether it is a SchedulerBinding."""
        return isinstance(self.document, SchedulerBinding)

    @property
    def paused(self) -> bool:
        """Whether the document wants us to hold still."""
        return self.document is not None and bool(self.document.spec.paused)
