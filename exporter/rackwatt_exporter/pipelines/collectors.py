"""The pipeline of this machine's collectors: their samples, and the joules of their counters."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from rackwatt_crds.node.energy import WHOLE_NODE_SOURCES
from rackwatt_exporter.collectors.base import Collector, CollectorResult
from rackwatt_exporter.collectors.power_limits import POWER_LIMIT
from rackwatt_exporter.collectors.registry import COLLECTORS, collector
from rackwatt_exporter.config.collector import CollectorConfig
from rackwatt_exporter.config.fleet import Fleet
from rackwatt_exporter.config.paths import HostPaths
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.exposition.families import STATE
from rackwatt_exporter.metrics.family import MetricFamily
from rackwatt_exporter.metrics.health import HealthFamilies
from rackwatt_exporter.metrics.text import FamilyLines, line
from rackwatt_exporter.pipelines.health import rounded, shortened
from rackwatt_exporter.pipelines.pipeline import Measured, Pipeline, Subject, scheduled
from rackwatt_exporter.polling.schedule import PollSchedule
from rackwatt_exporter.reading import WHOLE_NODE, ReadError
from rackwatt_exporter.store.collectors import CollectorRecord, CollectorStore
from rackwatt_exporter.store.node_states import NodeStateStore
from rackwatt_exporter.store.targets import TargetStore

_DOMAIN = ("node", "source", "domain", "zone")

DOMAIN_POWER = MetricFamily(
    "rackwatt_node_domain_power_watts",
    "gauge",
    "Average power of a part of the node since the previous reading. Only package, dram and gpu "
    "add up.",
    _DOMAIN,
    "watts",
)
DOMAIN_ENERGY = MetricFamily(
    "rackwatt_node_domain_energy_joules_total",
    "counter",
    "Total energy of a part of the node by its own counter, wraps removed, or of its power over "
    "time. Only package, dram and gpu add up.",
    _DOMAIN,
    "joules",
)
DOMAIN_COVERED = MetricFamily(
    "rackwatt_node_domain_energy_covered_seconds_total",
    "counter",
    "Total time that the energy was counted over; gaps are not estimated.",
    _DOMAIN,
    "seconds",
)
DOMAIN = (DOMAIN_POWER, DOMAIN_ENERGY, DOMAIN_COVERED, POWER_LIMIT)
HEALTH = HealthFamilies.of("collector", ("node", "collector"))


class CollectorPipeline(Pipeline[CollectorConfig, CollectorResult]):
    """All collectors of this machine."""

    name = "collectors"
    noun = "collector"
    store: CollectorStore

    def __init__(
        self,
        store: CollectorStore,
        host: HostPaths,
        schedulers: NodeStateStore,
        targets: TargetStore,
        secrets: Secrets,
    ) -> None:
        super().__init__(store)
        self._host = host
        self._secrets = secrets
        self._schedulers = schedulers
        self._targets = targets

    def sync(self, fleet: Fleet) -> set[str]:
        """Poll what the documents say; note which scheduler knows this node."""
        removed = super().sync(fleet)
        self._schedulers.place(self.store.scheduler, self.store.node)
        return removed

    def specs(self, fleet: Fleet) -> Mapping[str, CollectorConfig]:
        """Return the collectors that the documents want, by name."""
        return fleet.collectors

    def source(self, spec: CollectorConfig) -> Collector:
        """Make a collector."""
        return collector(spec, self._host, self._secrets)

    def identity(self, spec: CollectorConfig) -> object:
        """Return its name and settings, and whether it may be absent."""
        return spec.name, spec.settings, spec.automatic

    def pace(self, spec: CollectorConfig) -> PollSchedule:
        """Return how often it is polled: no less than its counters allow."""
        return scheduled(spec.schedule, COLLECTORS[spec.name].max_interval_s)

    def subject(self, spec: CollectorConfig) -> Subject:
        """Name this node, and the collector as the method."""
        return Subject(self.store.node, "", spec.name)

    def families(self, now_s: float) -> Iterator[FamilyLines]:
        """Go through the samples by family, the counters of energy, and health."""
        lines: dict[MetricFamily, list[bytes]] = defaultdict(list)
        for record in self.store.records.values():
            for family, text in chain(self._samples(record), self._energies(record)):
                lines[family].append(text)
        node = self.store.node
        records = [one for one in self.store.records.values() if _is_expected(one)]
        health = HEALTH.lines([((node, one.spec.name), one) for one in records], now_s)
        return chain(lines.items(), health, self._state())

    def describe(self, record: CollectorRecord) -> dict[str, Any]:
        """Return its node and its power."""
        return {
            "collector": record.spec.name,
            "powertarget": record.spec.document,
            "node": self.store.node,
            "watts": rounded(self.store.watts(record)),
        }

    def status(self, record: CollectorRecord, now_s: float) -> dict[str, Any]:
        """Return what /status says of it; one that is absent is neither up nor down."""
        known = super().status(record, now_s)
        if record.value is not None and (absent := record.value.absent) is not None:
            known |= {"up": None, "reason": absent.reason, "message": shortened(absent)}
        return known

    def found(self, record: CollectorRecord) -> str | None:
        """Return its power, if it measures that."""
        if record.value is not None and record.value.absent is not None:
            return "absent here"
        watts = self.store.watts(record)
        return super().found(record) if watts is None else f"{watts:,.1f} W"

    def measured(self) -> Iterator[Measured]:
        """Count this node once for each PowerTarget, by all of its collectors there."""
        by_document: dict[str, list[CollectorRecord]] = defaultdict(list)
        for record in self.store.records.values():
            by_document[record.spec.document].append(record)
        for document, records in by_document.items():
            values = [record.value for record in records if record.value is not None]
            up = any(value.absent is None for value in values)
            failure = next((record for record in records if record.error), None)
            yield Measured(document, up, failure, self._node_watts(records))

    def watts(self, value: CollectorResult) -> float | None:
        """Return the power of the whole node, where the collector measures that."""
        whole = [power.watts for power in value.powers if power.domain == WHOLE_NODE]
        return sum(whole) if whole else None

    def summary(self, value: CollectorResult) -> str | None:
        """Return which GPUs there are, by model."""
        models = Counter(gpu.model or gpu.vendor for gpu in value.gpus)
        return ", ".join(f"{number} x {model}" for model, number in models.items()) or None

    def problem(self, value: CollectorResult) -> ReadError | None:
        """Return why a part is missing."""
        return value.error

    def absence(self, value: CollectorResult) -> ReadError | None:
        """Return why there is nothing to read on this machine."""
        return value.absent

    def _node_watts(self, records: Iterable[CollectorRecord]) -> float | None:
        """Return the power of the node by its best source, or the sum of the parts measured."""
        watts = {record.spec.name: self.store.watts(record) for record in records}
        known = {name: each for name, each in watts.items() if each is not None}
        whole = next((known[name] for name in WHOLE_NODE_SOURCES if name in known), None)
        if whole is not None or not known:
            return whole
        return sum(known.values())

    def _samples(self, record: CollectorRecord) -> Iterator[tuple[MetricFamily, bytes]]:
        for sample in record.value.samples if record.value else ():
            values = (self.store.node, *sample.labels)
            yield sample.family, line(sample.family, values, repr(sample.value))

    def _energies(self, record: CollectorRecord) -> Iterator[tuple[MetricFamily, bytes]]:
        for energy in record.value.energies if record.value else ():
            counter = self.store.counter(record.spec.name, energy)
            who = (self.store.node, record.spec.name, energy.domain, energy.zone)
            if counter.watts is not None:
                yield DOMAIN_POWER, line(DOMAIN_POWER, who, repr(counter.watts))
            yield DOMAIN_ENERGY, line(DOMAIN_ENERGY, who, repr(counter.served_joules))
            yield DOMAIN_COVERED, line(DOMAIN_COVERED, who, repr(counter.served_covered_s))
        for power in record.value.powers if record.value else ():
            account = self.store.account(record.spec.name, power)
            who = (self.store.node, record.spec.name, power.domain, power.zone)
            yield DOMAIN_POWER, line(DOMAIN_POWER, who, repr(power.watts))
            yield DOMAIN_ENERGY, line(DOMAIN_ENERGY, who, repr(account.served_joules))
            yield DOMAIN_COVERED, line(DOMAIN_COVERED, who, repr(account.served_covered_s))

    def _state(self) -> Iterator[FamilyLines]:
        """Give the state of this node, unless it is a target as well and among the others."""
        node, name = self.store.node, self.store.scheduler
        record, state = (
            self._schedulers.records.get(name or ""),
            self._schedulers.state(name, node),
        )
        if record is not None and state is not None and node not in self._targets.states:
            who = (node, record.spec.name, record.spec.cluster, state)
            yield STATE, [line(STATE, who, 1)]


def _is_expected(record: CollectorRecord) -> bool:
    """Return whether its health is worth a series: `auto` may choose what is not here."""
    if not record.spec.automatic or record.error is not None:
        return True
    if record.value is None:
        return record.read_at_s is not None
    return record.value.absent is None
