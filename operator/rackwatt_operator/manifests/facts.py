"""What the plan must know of the cluster beside the document itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rackwatt_crds.schedulerbinding import SchedulerBindingSpec

MONITORING = frozenset({"ServiceMonitor", "PrometheusRule"})


@dataclass(frozen=True, slots=True)
class Facts:
    """Which kinds of Prometheus Operator the API has, and the namespace's SchedulerBindings."""

    monitoring: frozenset[str] = MONITORING
    bindings: Mapping[str, SchedulerBindingSpec] = field(default_factory=dict)
