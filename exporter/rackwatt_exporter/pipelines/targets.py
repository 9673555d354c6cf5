"""The pipeline of targets: the fleet of BMCs and PDUs.

Its families are not among those of the other kinds: of a fleet this large the text is written
column by column (exposition/fleet.py).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rackwatt_exporter.config.fleet import Fleet
from rackwatt_exporter.config.secrets import Secrets
from rackwatt_exporter.config.target import Target
from rackwatt_exporter.metrics.text import FamilyLines
from rackwatt_exporter.pipelines.health import rounded
from rackwatt_exporter.pipelines.pipeline import Measured, Pipeline, Subject
from rackwatt_exporter.polling.limits import ConcurrencyLimit, ConcurrencyLimiter
from rackwatt_exporter.polling.schedule import PollSchedule
from rackwatt_exporter.reading import Reading
from rackwatt_exporter.store.targets import TargetRecord, TargetStore
from rackwatt_exporter.targets.base import Source
from rackwatt_exporter.targets.registry import DriverRegistry


class TargetPipeline(Pipeline[Target, Reading]):
    """All targets. Their limits of concurrency are shared, and so are the drivers."""

    name = "targets"
    noun = "target"
    store: TargetStore

    def __init__(self, store: TargetStore, secrets: Secrets) -> None:
        super().__init__(store)
        self._drivers = DriverRegistry(secrets)
        self._limits = ConcurrencyLimiter()
        self._sources: dict[str, Source] = {}

    def specs(self, fleet: Fleet) -> Mapping[str, Target]:
        """Return the targets, by node."""
        return fleet.targets

    def sync(self, fleet: Fleet) -> set[str]:
        """Poll what the documents say; return the nodes of what was removed."""
        removed = super().sync(fleet)
        for node in removed:
            self._sources.pop(node, None)
        return removed

    def source(self, spec: Target) -> Source:
        """Make the source of a target."""
        self._sources[spec.node] = source = self._drivers.source(spec)
        return source

    def identity(self, spec: Target) -> object:
        """Return all that a session depends on."""
        return spec.connection_key

    def pace(self, spec: Target) -> PollSchedule:
        """Return how often it is polled; a large fleet takes longer to be met."""
        size = len(self.store.records)
        return PollSchedule(spec.interval_s, spec.timeout_s, spec.max_backoff_s, size)

    def limits(self, spec: Target) -> tuple[ConcurrencyLimit, ConcurrencyLimit]:
        """Return the limits of its endpoint, its subnet and its credential."""
        return self._limits.healthy(spec), self._limits.unproven(spec)

    def subject(self, spec: Target) -> Subject:
        """Name the node, its address and its method."""
        return Subject(spec.node, spec.address, spec.method)

    def reference(self, spec: Target, fleet: Fleet) -> str:
        """Return where in the documents it is defined."""
        return fleet.origins.get(spec.node) or super().reference(spec, fleet)

    def session(self, node: str) -> str:
        """Describe what is kept open with a target; empty for nothing."""
        source = self._sources.get(node)
        return source.session if source else ""

    def families(self, now_s: float) -> Iterator[FamilyLines]:
        """Return nothing: exposition/fleet.py writes their lines."""
        del now_s
        return iter(())

    def describe(self, record: TargetRecord) -> dict[str, Any]:
        """Return everything of one target but its health; what is not known is null."""
        target, reading = record.spec, record.value
        account = self.store.account(target.node)
        result = record.error or reading
        members = result.members if result else None
        return {
            "node": target.node,
            "powertarget": target.document,
            "method": target.method,
            "address": target.address,
            "type": target.type,
            "rack": target.rack,
            "watts": reading.watts if reading else None,
            "source": reading.source if reading else None,
            "members": None if members is None else members._asdict(),
            "joules": account.served_joules if record.read_at_s is not None else None,
            "covered_s": rounded(account.served_covered_s),
            "state": self.store.states.get(target.node),
        }

    def measured(self) -> Iterator[Measured]:
        """Go through all of them."""
        for record in self.store.records.values():
            watts = record.value.watts if record.value else None
            yield Measured(record.spec.document, record.up, record if record.error else None, watts)

    def watts(self, value: Reading) -> float | None:
        """Return the watts of a reading."""
        return value.watts

    def origin(self, value: Reading) -> str | None:
        """Return where in the device the watts were found."""
        return value.source

    async def release(self) -> None:
        """Close the drivers."""
        await self._drivers.close()
