"""Metrics of cached objects: their number by kind, and the conditions of every resource.

They are read from the cache at each scrape, and not stored.
"""

from collections import Counter
from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from rackwatt_operator.kube.cache import Cache


class ObjectMetricsCollector(Collector):
    """Number of objects by kind, and one series per condition with its current status."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def describe(self) -> list[GaugeMetricFamily]:
        """Return the families without samples."""
        return [self._objects(), self._conditions()]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the families."""
        objects = self._objects()
        for kind, count in sorted(Counter(name.kind for name in self._cache.objects).items()):
            objects.add_metric([kind], count)
        yield objects
        conditions = self._conditions()
        for name in list(self._cache.documents()):
            for one in self._cache.status(name).get("conditions", ()):
                conditions.add_metric([*name, one["type"], one["status"], one["reason"]], 1)
        yield conditions

    @staticmethod
    def _objects() -> GaugeMetricFamily:
        text = (
            "Number of objects in the cache: documents, their children, and other watched objects."
        )
        return GaugeMetricFamily("rackwatt_operator_managed_objects", text, labels=["kind"])

    @staticmethod
    def _conditions() -> GaugeMetricFamily:
        labels = ["kind", "namespace", "name", "type", "status", "reason"]
        text = "1 for the current status and reason of each condition of a resource."
        return GaugeMetricFamily("rackwatt_operator_condition", text, labels=labels)
