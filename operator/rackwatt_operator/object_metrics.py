"""What there is, as metrics: objects by kind, and the conditions of every document.

Read from what is observed when somebody asks, and kept nowhere else.
"""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from rackwatt_operator.kube.cache import Cache


class Inventory(Collector):
    """Counts objects and lists conditions; the status that does not hold has no series."""

    def __init__(self, observed: Cache) -> None:
        self._observed = observed

    def describe(self) -> list[GaugeMetricFamily]:
        """Name the families without looking."""
        return [self._objects(), self._conditions()]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Look."""
        objects = self._objects()
        for kind, count in sorted(Counter(name.kind for name in self._observed.objects).items()):
            objects.add_metric([kind], count)
        yield objects
        conditions = self._conditions()
        for name in list(self._observed.documents()):
            for one in self._observed.status(name).get("conditions", ()):
                conditions.add_metric([*name, one["type"], one["status"], one["reason"]], 1)
        yield conditions

    @staticmethod
    def _objects() -> GaugeMetricFamily:
        told = (
            "Number of objects in the cache: documents, their children, and other watched objects."
        )
        return GaugeMetricFamily("rackwatt_operator_managed_objects", told, labels=["kind"])

    @staticmethod
    def _conditions() -> GaugeMetricFamily:
        labels = ["kind", "namespace", "name", "type", "status", "reason"]
        told = "1 for the current status and reason of each condition of a resource."
        return GaugeMetricFamily("rackwatt_operator_condition", told, labels=labels)
